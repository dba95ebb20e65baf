import pytest
from mmengine.config import Config

from rsp.engine.cfg_options import parse_options, refuse_misplaced
from rsp.errors import UserError

CFG = Config(
    dict(val_dataloader=None, model=dict(depth=18), steps=[dict(size=2), dict(size=3)])
)


def test_values_are_read_as_python_reads_them():
    options = parse_options(['a.b=2', 'c=x,y', 'd=(1,2)', 'e=None', 'f=', 'g=h=1'])
    assert options == {
        'a.b': 2, 'c': ['x', 'y'], 'd': (1, 2), 'e': None, 'f': '', 'g': 'h=1'
    }  # fmt: skip


def test_brackets_that_do_not_match_are_refused_with_the_option():
    with pytest.raises(UserError, match=r'steps=\[1,2: Imbalanced brackets.*; quote'):
        parse_options(['a=1', 'steps=[1,2'])


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
