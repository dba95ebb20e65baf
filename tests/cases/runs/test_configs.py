"""Cases of wrong configs and arguments: each ends by one line that names it."""

import sys
import warnings

import pytest
import wrong_configs
from mmengine.registry import Registry
from wrong_configs import WRONG

from rsp.cli import main
from rsp.errors import UserError


def test_the_list_names_every_mistake_once():
    names = [wrong.name for wrong in WRONG]
    assert len(set(names)) == len(names)
    assert len(names) >= 60
    assert all(wrong.words for wrong in WRONG)


def test_the_inputs_of_the_list_are_written(tmp_path):
    wrong_configs.write(tmp_path)
    lines = [wrong_configs.command_line(wrong, tmp_path) for wrong in WRONG]
    assert all('{' not in word.replace('{}', '') for line in lines for word in line)
    assert (tmp_path / 'wrong.py').is_file()


# One or two of each kind by default; the rest take a minute.
QUICK = {
    'misspelt qeue', 'misspelt num_clases', 'misspelt max_epoch', 'misspelt top level',
    'type rsp.GeRPS', 'type Adamm', 'type ImageFolder',
    "train_dataloader.batch_size='8'", 'optim_wrapper.optimizer.lr=abc',
    'model.head.temperature=0', 'train_cfg.max_epochs=0',
    'train_dataloader.batch_size=50', 'no optimizer', 'syntax error', 'no such base',
    'no such module', 'no annotations', 'nothing loads', 'head and backbone',
}  # fmt: skip


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('wrong')
    wrong_configs.write(folder)
    wrong_configs.write_weights(folder)
    return folder


@pytest.fixture
def end(folder, monkeypatch):
    """Run a command that has to end; return its status or message."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv('LOCAL_RANK', '0')
    monkeypatch.setattr(Registry, 'build', Registry.build)
    monkeypatch.setattr(sys, 'path', sys.path[:])

    def run(words):
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            with pytest.raises(SystemExit) as leaving:
                main(argv=words)
        return leaving.value.code

    return run


def test_the_quick_ones_are_in_the_list():
    assert QUICK <= {wrong.name for wrong in WRONG}


@pytest.mark.parametrize(
    'wrong',
    [
        pytest.param(
            wrong, id=wrong.name, marks=[] if wrong.name in QUICK else pytest.mark.slow
        )
        for wrong in WRONG
    ],
)
def test_r12_wrong_configs_long_tracebacks(wrong, folder, end):
    message = end(wrong_configs.command_line(wrong, folder))
    assert isinstance(message, str), message
    assert message.startswith('error: ')
    assert '\n' not in message
    assert [word for word in wrong.words if word not in message] == [], message


def test_15_tracebacks_of_wrong_arguments(folder, end):
    """Names that are near; a work dir that is a file: test_processes.py."""
    file = str(folder / 'r18.pth')
    for library in ('timm', 'torchvision', 'mmpretrain'):
        against = f'{library}:resnet5'
        message = end(['checkpoint', 'verify', file, '--against', against])
        assert f"{library} has no model 'resnet5'; nearest: {library}:resnet" in message


def test_debug_shows_the_traceback(folder):
    words = ['train', str(folder / 'gersp.py'), '--debug']
    options = ['--work-dir', str(folder / 'run'), '--cfg-options']
    with pytest.raises(UserError, match='temperature above 0'):
        main(argv=[*words, *options, 'model.head.temperature=0'])
