"""Kill, damage and poison runs: no checkpoint is lost, none is taken for a good one."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from rsp import checkpoints
from rsp.cli import main

ROOT = Path(__file__).parents[3]
# Kills its process when half of the n-th checkpoint is written.
KILLED_IN_SAVE = """
import os, sys
from mmengine.fileio.backends import LocalBackend
from rsp.cli import main
put, count = LocalBackend.put, [0]
def dying(self, obj, filepath):
    count[0] += 1
    if count[0] == int(sys.argv[1]):
        with open(filepath, 'wb') as stream:
            stream.write(obj[:len(obj) // 2])
        os.kill(os.getpid(), 9)
    put(self, obj, filepath)
LocalBackend.put = dying
main('train', argv=sys.argv[2:])
"""


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    """A training of GeRSP: 3 epochs of 2 steps on generated images."""
    root = tmp_path_factory.mktemp('tiny')
    rng = np.random.default_rng(0)
    for number in range(4):
        for name in (f'remote/{number}.jpg', f'natural/{number % 3}/{number}.jpg'):
            pixels = rng.integers(256, size=(32, 32, 3), dtype=np.uint8)
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(root / name)
    file = root / 'tiny.py'
    file.write_text(
        f"""
_base_ = {str(ROOT / 'tests/tools/tiny_gersp.py')!r}
sources = dict(remote=dict(data_root={str(root)!r}),
               natural=dict(data_root={str(root)!r}))
train_dataloader = dict(persistent_workers=False, dataset=dict(sources=sources))
default_hooks = dict(checkpoint=dict(interval=1))
train_cfg = dict(max_epochs=3)
data_preprocessor = dict(to_rgb=True)
visualizer = dict(vis_backends=[dict(type='LocalVisBackend')])
"""
    )
    return file


@pytest.fixture
def train(config, tmp_path, monkeypatch, capfd):
    """Return a function that trains and returns what was printed."""
    monkeypatch.setenv('LOCAL_RANK', '0')

    def train(*arguments, run='run'):
        main('train', argv=[str(config), '--work-dir', str(tmp_path / run), *arguments])
        return ''.join(capfd.readouterr())

    return train


def kill_in_save(number, config, work_dir, *options):
    done = subprocess.run(
        [
            *(sys.executable, '-W', 'ignore', '-c', KILLED_IN_SAVE, str(number)),
            *(str(config), '--work-dir', str(work_dir), *options),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def files(folder):
    return sorted(file.name for file in folder.glob('*.pth'))


def damage(file, how):
    if how == 'cut off':
        os.truncate(file, file.stat().st_size - 1000)
    else:
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)


def test_r01_one_kept_checkpoint_lost(config, tmp_path, train):
    run = tmp_path / 'run'
    keep_one = ('--cfg-options', 'default_hooks.checkpoint.max_keep_ckpts=1')
    kill_in_save(2, config, run, *keep_one)
    [rest, whole] = files(run)
    assert whole == 'epoch_1.pth'
    assert rest.startswith('.epoch_2')
    assert (run / 'last_checkpoint').read_text() == str(run / 'epoch_1.pth')
    train('--resume', *keep_one)
    assert files(run) == ['epoch_3.pth']


@pytest.mark.parametrize('how', ['cut off', 'flipped'])
def test_r02_no_fallback_to_older_checkpoint(tmp_path, train, how):
    run = tmp_path / 'run'
    train()
    before = checkpoints.read(run / 'epoch_3.pth')['state_dict']
    damage(run / 'epoch_3.pth', how)
    with pytest.raises(SystemExit) as caught:
        train('--resume', str(run / 'epoch_3.pth'))
    refusal = str(caught.value)
    assert refusal.startswith('error: cannot resume: ')
    assert '\n' not in refusal
    assert refusal.endswith(f'--resume {run / "epoch_2.pth"}')
    printed = train('--resume')
    assert f"passed over: '{run / 'epoch_3.pth'}' is" in printed
    assert f"going on from '{run / 'epoch_2.pth'}'" in printed
    assert 'resumed epoch: 2' in printed
    after = checkpoints.read(run / 'epoch_3.pth')['state_dict']
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    # What the refusal advises can be done.
    assert 'resumed epoch: 2' in train('--resume', refusal.rpartition(' ')[2])


def test_r02_without_a_whole_checkpoint_the_run_begins_anew(tmp_path, train):
    run = tmp_path / 'run'
    train('--cfg-options', 'train_cfg.max_epochs=1')
    damage(run / 'epoch_1.pth', 'cut off')
    printed = train('--resume')
    assert f"no checkpoint in '{run}' is whole: starting from the beginning" in printed
    assert files(run) == ['epoch_1.pth', 'epoch_2.pth', 'epoch_3.pth']


def test_r05_nan_goes_on(tmp_path, train, monkeypatch):
    run = tmp_path / 'run'
    good = ('default_hooks.checkpoint.max_keep_ckpts=3', 'train_cfg.max_epochs=3')
    train('--cfg-options', *good)
    kept = {name: (run / name).read_bytes() for name in files(run)}
    options = (
        'default_hooks.checkpoint.max_keep_ckpts=3',
        'train_cfg.max_epochs=30',
        # At which the weights explode.
        'optim_wrapper.optimizer.lr=1e30',
    )
    with pytest.raises(SystemExit) as caught:
        train('--resume', '--cfg-options', *options)
    told = str(caught.value)
    assert '\n' not in told
    assert 'is not finite: loss nan' in told
    assert 'remote/' in told
    for name in ('epoch_2.pth', 'epoch_3.pth'):
        assert (run / name).read_bytes() == kept[name]
    # The steps can be taken again.
    dumps = sorted((run / 'non_finite').glob('*.pth'))
    assert dumps
    main('replay', argv=[str(dumps[0])])
    # Whatever still writes a file with NaN in it, nothing takes it for a good one.
    content = checkpoints.read(run / 'epoch_3.pth')
    next(iter(content['state_dict'].values()))[0] = float('nan')
    bad = run / 'epoch_9.pth'
    torch.save(content, bad)
    for command in (['export', str(bad), str(tmp_path / 'out.pth')],):
        with pytest.raises(SystemExit, match='NaN or infinity in 1 of'):
            main('checkpoint', argv=command)
    assert not (tmp_path / 'out.pth').exists()
    with pytest.raises(SystemExit, match=r'holds NaN or infinity.*--resume \S+epoch_'):
        train('--resume', str(bad))
    assert 'hold NaN or infinity' in str(checkpoints.inspect(bad))


class Malice:
    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return os.system, (f'touch {self.file}',)


@pytest.mark.parametrize('runner', ['rsp.PortableRunner', 'Runner'])
@pytest.mark.parametrize('way', ['load_from', 'init_cfg', 'resume', 'config'])
def test_r07_plain_runner_runs_pickles(tmp_path, train, runner, way):
    executed, evil = tmp_path / 'executed', tmp_path / 'evil.pth'
    content = dict(state_dict={}, meta=dict(epoch=0, iter=0), message_hub={})
    if way == 'config':  # mmengine runs this text when it resumes
        content['meta']['config'] = f'import os\nos.system("touch {executed}")\n'
    else:
        content |= dict(extra=Malice(executed))
    torch.save(content, evil)
    arguments = {
        'load_from': [f'load_from={evil}'],
        'init_cfg': [
            'model.backbone.init_cfg.type=Pretrained',
            f'model.backbone.init_cfg.checkpoint={evil}',
        ],
        'resume': ['randomness.seed=0', '--resume', str(evil)],
        'config': ['randomness.seed=0', '--resume', str(evil)],
    }[way]
    with pytest.raises((SystemExit, KeyError)) as caught:
        train('--cfg-options', f'runner_type={runner}', *arguments)
    if way != 'config':
        assert 'holds more than tensors' in str(caught.value)
    assert not executed.exists()
