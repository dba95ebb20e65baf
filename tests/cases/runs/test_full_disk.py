"""A disk that is full ends a run in one line, and costs no checkpoint."""

import os
import subprocess
import sys

import pytest
from mmengine.hooks import Hook
from mmengine.registry import HOOKS, Registry
from task_runs import task_config, write_task_data

from rsp import checkpoints
from rsp.cli import main


@HOOKS.register_module(force=True)
class FillDisk(Hook):
    """Leave so many bytes of a disk after a step."""

    priority = 'LOWEST'

    def __init__(self, folder, step, left):
        self.folder, self.step, self.left = folder, step, left

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == self.step:
            disk = os.statvfs(self.folder)
            size = disk.f_bavail * disk.f_frsize - self.left
            with open(f'{self.folder}/ballast', 'wb') as file:
                file.write(bytes(max(size, 0)))


@pytest.fixture
def disk(tmp_path):
    """A disk of 30 MB."""
    folder = tmp_path / 'disk'
    folder.mkdir()
    command = ['mount', '-t', 'tmpfs', '-o', 'size=30m', 'tmpfs', str(folder)]
    if sys.platform != 'linux':
        pytest.skip('mounts as Linux does')
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip('may not mount a small disk')
    yield folder
    # Lazily: the log is still open.
    subprocess.run(['umount', '-l', str(folder)], check=True)


@pytest.fixture
def end(tmp_path, disk, monkeypatch):
    """Return a function that trains on a disk that becomes full; gives the message."""
    monkeypatch.setenv('LOCAL_RANK', '0')
    monkeypatch.setattr(Registry, 'build', Registry.build)
    root = write_task_data(tmp_path)

    def end(step, left, *options):
        cfg = task_config('classification', root, 'unused')
        fill = dict(type='FillDisk', folder=str(disk), step=step, left=left)
        cfg.custom_hooks = [*cfg.custom_hooks, fill]
        cfg.dump(root / 'config.py')
        words = [str(root / 'config.py'), '--work-dir', str(disk / 'run')]
        with pytest.raises(SystemExit) as leaving:
            main('train', argv=[*words, *options])
        return str(leaving.value.code)

    return end


def assert_whole(folder, names):
    """The checkpoints of a folder are these, and whole."""
    assert sorted(file.name for file in folder.glob('*.pth')) == sorted(names)
    for name in names:
        assert checkpoints.read(folder / name)['state_dict']
    assert [*folder.glob('.*unfinished*')] == []


@pytest.mark.parametrize(
    ('step', 'left', 'lost', 'kept'),
    [
        (5, 0, 'iter_8.pth', ['best_accuracy_top1_iter_4.pth', 'iter_4.pth']),
        # Room for one of 1.5 MB, not for the best one of 0.8 MB behind it.
        (2, 1_900_000, 'best_accuracy_top1_iter_4.pth', ['iter_4.pth']),
    ],
)
def test_while_saving(step, left, lost, kept, end, disk):
    message = end(step, left)
    assert message.startswith(f"error: '{disk}/run/{lost}' could not be written")
    assert '\n' not in message
    assert 'go on by --resume' in message
    assert_whole(disk / 'run', kept)


def test_while_writing_logs(end, disk, capfd):
    """Lines of the log fill the page that is left of its file."""
    message = end(
        *(5, 0, '--cfg-options', 'train_cfg.max_iters=300'),
        *('train_cfg.val_interval=1000', 'default_hooks.checkpoint.interval=4'),
        *('default_hooks.checkpoint.max_keep_ckpts=1', 'randomness.seed=1'),
        'custom_hooks.0.type=rsp.MeanOverRanksHook',
    )
    assert message.startswith('error: ')
    assert '\n' not in message
    assert_whole(disk / 'run', ['iter_4.pth'])
    end_of_log = ''.join(capfd.readouterr())
    assert 'Traceback' not in end_of_log
    assert 'Logging error' not in end_of_log
