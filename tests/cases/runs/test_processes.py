"""Cases of runs that cannot work, are stopped, or die: one test a case."""

from pathlib import Path

import numpy as np
import pytest
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
    """Three processes of 8 images: tests/engine/preflight/test_batches.py."""
    run = tmp_path / 'run'
    message = refused(
        *(moco, '--work-dir', run, '--cfg-options'),
        *('train_dataloader.batch_size=7', 'model.queue_len=64'),
    )
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
