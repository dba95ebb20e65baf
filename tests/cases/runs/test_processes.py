"""Cases of runs that cannot work, are stopped, or die: one test a case."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from rsp.cli import main

ROOT = Path(__file__).parents[3]
MOCO = """
_base_ = '{root}/configs/moco/mocov2_resnet50_8xb32-coslr-200e_maid.py'
model = dict(
    queue_len=48,
    backbone=dict(depth=18, base_channels=8, stem_channels=8),
    neck=dict(in_channels=64, hid_channels=64),
)
view = [dict(type='RandomResizedCrop', scale=32)]
pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='MultiView', num_views=2, transforms=[view]),
    dict(type='PackInputs'),
]
train_dataloader = dict(
    batch_size=8, num_workers=0,
    dataset=dict(data_root='{data}', data_prefix='scenes', pipeline=pipeline),
)
train_cfg = dict(max_epochs=1)
"""
LAUNCHED = ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'SLURM_NTASKS', 'SLURM_STEP_NUM_TASKS')


@pytest.fixture
def moco(tmp_path, monkeypatch):
    """A config of mmpretrain's MoCo on 48 images; no process of a launcher."""
    rng = np.random.default_rng(0)
    (tmp_path / 'scenes').mkdir()
    for number in range(48):
        pixels = rng.integers(256, size=(48, 48, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f'scenes/{number:02}.jpg')
    file = tmp_path / 'moco.py'
    file.write_text(MOCO.format(root=ROOT.as_posix(), data=tmp_path.as_posix()))
    for name in LAUNCHED:
        monkeypatch.setenv(name, '')
        monkeypatch.delenv(name)
    monkeypatch.setenv('LOCAL_RANK', '0')
    return file


def refused(*words, command='train'):
    """Run a command that must end in one line; return the line."""
    with pytest.raises(SystemExit) as leaving:
        main(command, argv=[str(word) for word in words])
    message = str(leaving.value.code)
    assert message.startswith('error: '), message
    assert '\n' not in message
    return message


def test_01_moco_zero_steps(moco, tmp_path):
    run = tmp_path / 'run'
    options = ('--cfg-options', 'train_dataloader.batch_size=64')
    message = refused(moco, '--work-dir', run, *options)
    assert 'an epoch has no step' in message
    assert 'batch_size to 48 or less' in message
    assert not list(run.glob('*.pth'))
    full = ('--cfg-options', 'train_dataloader.batch_size=48')
    main('train', argv=[str(moco), '--work-dir', str(run), *full])
    assert (run / 'epoch_1.pth').is_file()


def test_13_moco_odd_number_of_gpus(moco, tmp_path):
    """It runs as GeRSP does; mmpretrain's own is refused in one line.

    Three processes of 8 images: tests/engine/preflight/test_batches.py.
    """
    run = tmp_path / 'run'
    options = ('train_dataloader.batch_size=7', 'model.queue_len=64')
    main('train', argv=[str(moco), '--work-dir', str(run), '--cfg-options', *options])
    assert (run / 'epoch_1.pth').is_file()
    options += ('model.type=MoCo',)
    message = refused(moco, '--work-dir', tmp_path / 'other', '--cfg-options', *options)
    assert 'got 64 and 7 images × 1 processes = 7' in message
    assert 'model.queue_len to 63 or 70' in message
    assert 'batch_size to 4 or 8' in message


@pytest.mark.parametrize('command', ['train', 'test'])
@pytest.mark.parametrize(
    ('name', 'launcher'), [('WORLD_SIZE', 'pytorch'), ('SLURM_NTASKS', 'slurm')]
)
def test_07_torchrun_without_launcher(
    moco, tmp_path, monkeypatch, command, name, launcher
):
    monkeypatch.setenv(name, '2')
    run = tmp_path / 'run'
    words = [moco, *(['none'] if command == 'test' else []), '--work-dir', run]
    message = refused(*words, command=command)
    assert f'{name}=2' in message
    assert f'--launcher {launcher}' in message
    assert not run.exists()


def test_15_a_work_dir_that_is_a_file(moco, tmp_path):
    for folder in (moco, moco / 'below'):
        assert f"written at '{folder}'" in refused(moco, '--work-dir', folder)


class Run:
    """A training by a command, watched through its log."""

    def __init__(self, folder, *words, workers=0):
        self.folder = folder
        self.log = folder.with_suffix('.log')
        words = [str(word) for word in words]
        options = ['train_cfg.max_epochs=5000', 'default_hooks.logger.interval=1']
        options += ['default_hooks.checkpoint.interval=5000']
        options += [f'train_dataloader.num_workers={workers}']
        environment = dict(os.environ, OMP_NUM_THREADS='1', PYTHON=sys.executable)
        with self.log.open('w') as log:
            self.process = subprocess.Popen(
                [*words, '--work-dir', str(folder), '--cfg-options', *options],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env=environment,
            )

    @property
    def text(self):
        return self.log.read_text()

    @property
    def steps(self):
        return self.text.count('Epoch(train)')

    def wait_for_steps(self, count=8):
        end = time.monotonic() + 120
        while self.steps < count:
            assert self.process.poll() is None, self.text
            assert time.monotonic() < end, self.text
            time.sleep(0.05)

    def wait(self):
        try:
            return self.process.wait(60)
        finally:
            if self.process.poll() is None:
                self.process.kill()


TRAIN = (sys.executable, '-W', 'ignore', str(ROOT / 'tools/train.py'))
DIST = ('bash', str(ROOT / 'tools/dist_train.sh'))


@pytest.mark.parametrize(
    'name',
    [
        'SIGTERM',
        pytest.param('SIGUSR1', marks=pytest.mark.slow),
        pytest.param('SIGINT', marks=pytest.mark.slow),
    ],
)
def test_r04_signals_save_nothing(moco, tmp_path, name):
    run = Run(tmp_path / 'run', *TRAIN, moco)
    run.wait_for_steps()
    for _ in range(3):  # More of them do no harm.
        run.process.send_signal(getattr(signal, name))
        time.sleep(0.02)
    assert run.wait() == 75, run.text
    assert f'Stopped by {name} after iteration' in run.text
    [saved] = run.folder.glob('*.pth')
    meta = torch.load(saved, weights_only=False)['meta']
    assert f'after iteration {meta["iter"]}, saved as' in run.text
    # Six steps an epoch; at its end the checkpoint is one that was planned.
    step, rest = divmod(meta['iter'], 6)
    assert meta['epoch'] == step
    assert saved.stem == (f'iter_{meta["iter"]}' if rest else f'epoch_{step}')
    assert (run.folder / 'last_checkpoint').read_text().strip() == str(saved)
    assert not [*run.folder.glob('.*unfinished*')]


def family(pid):
    """The processes below one, as far as they run."""
    found = []
    for stat in Path('/proc').glob('[0-9]*/stat'):
        try:
            state, parent = stat.read_text().rpartition(')')[2].split()[:2]
        except OSError:
            continue
        if parent == str(pid) and state != 'Z':
            found += [int(stat.parent.name), *family(int(stat.parent.name))]
    return found


def wait_for_end(pids):
    """Wait for the end of processes, and return those that do not end."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        left = [pid for pid in pids if is_running(pid)]
        if not left:
            break
        time.sleep(0.1)
    return left


def is_running(pid):
    try:
        stat = Path(f'/proc/{pid}/stat').read_text()
    except OSError:
        return False
    return stat.rpartition(')')[2].split()[0] != 'Z'


@pytest.mark.dist
@pytest.mark.skipif(sys.platform != 'linux', reason='looks for processes in /proc')
@pytest.mark.parametrize(
    ('name', 'status'),
    [
        ('SIGUSR1', 75),
        pytest.param('SIGKILL', -9, marks=pytest.mark.slow),
        pytest.param('SIGTERM', 75, marks=pytest.mark.slow),
        pytest.param('SIGINT', 75, marks=pytest.mark.slow),
    ],
)
def test_r10_orphans_of_torchrun(moco, tmp_path, name, status):
    """Workers of the data loaders included; SIGKILL's ranks save on their own."""
    run = Run(tmp_path / 'run', *DIST, moco, 2, workers=1)
    run.wait_for_steps()
    below = family(run.process.pid)
    run.process.send_signal(getattr(signal, name))
    assert run.wait() == status, run.text
    assert wait_for_end(below) == []
    steps = run.steps
    assert len(below) == 4
    [saved] = run.folder.glob('*.pth')
    assert torch.load(saved, weights_only=False)['meta']['iter'] >= 4
    time.sleep(0.5)
    assert run.steps == steps


@pytest.mark.dist
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != 'linux', reason='looks for processes in /proc')
def test_a_rank_that_is_killed_is_named_and_ends_the_job(moco, tmp_path):
    run = Run(tmp_path / 'run', *DIST, moco, 2)
    run.wait_for_steps()
    below = family(run.process.pid)
    before = len(run.text)
    os.kill(below[-1], signal.SIGKILL)
    assert run.wait() == 137, run.text
    told = run.text[before:].splitlines()
    # Lines of a step that was under way may still come.
    errors = [line for line in told if 'mmengine - INFO' not in line]
    assert 'was killed by SIGKILL' in errors[0]
    assert wait_for_end(below) == []
    assert 'Traceback' not in run.text
