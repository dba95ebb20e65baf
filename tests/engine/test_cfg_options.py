import argparse

import pytest
from mmengine.config import Config

from rsp.engine.cfg_options import OptionsAction, refuse_misplaced

CFG = Config(
    dict(val_dataloader=None, model=dict(depth=18), steps=[dict(size=2), dict(size=3)])
)


def parse(*texts):
    parser = argparse.ArgumentParser(prog='tool')
    parser.add_argument('--cfg-options', nargs='+', action=OptionsAction)
    return parser.parse_args(['--cfg-options', *texts]).cfg_options


def test_values_are_read_as_python_reads_them():
    options = parse('a.b=2', 'c=x,y', 'd=(1,2)', 'e=None', 'f=')
    assert options == {'a.b': 2, 'c': ['x', 'y'], 'd': (1, 2), 'e': None, 'f': ''}


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('model.depth', "expected KEY=VALUE, got 'model.depth'"),
        ('steps=[1,2', 'Imbalanced brackets'),
    ],
)
def test_what_is_no_option_ends_with_the_usage(text, words, capsys):
    with pytest.raises(SystemExit) as leaving:
        parse('a=1', text)
    assert leaving.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith('usage: tool')
    assert words in said


@pytest.mark.parametrize(
    ('option', 'words'),
    [
        ('val_dataloader.batch_size', "'val_dataloader' is None in this config, and"),
        ('model.depth.x', "'model.depth' is 18 in this config, and has no 'x'"),
        ('steps.2.size', "'steps' is a list of 2, expected a number from 0 to 1"),
        ('steps.size', "behind it, got 'size'"),
    ],
)
def test_an_option_that_leads_nowhere_is_refused(option, words):
    with pytest.raises(ValueError, match=f'--cfg-options {option}: ') as refusal:
        refuse_misplaced([option], CFG)
    assert words in str(refusal.value)


def test_options_that_change_or_add_something_pass():
    refuse_misplaced(
        ['val_dataloader', 'model.depth', 'model.new.key', 'steps.1.size', 'a.b'], CFG
    )
