"""Seconds of every method, from the configs of the repository."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from PIL import Image

from rsp.engine.train import build_runner, training_config

ROOT = Path(__file__).parents[3]
DATA = 'train_dataloader.dataset'
VIEW = [
    dict(type='RandomResizedCrop', scale=32),
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomGrayscale', prob=0.2, keep_channels=True),
]
PIPELINES = {
    f'{DATA}.pipeline': [
        dict(type='LoadImageFromFile'),
        dict(type='MultiView', num_views=2, transforms=[VIEW]),
        dict(type='PackInputs'),
    ]
}
SMALL = {'model.backbone.stem_channels': 8, 'model.backbone.base_channels': 4}
METHODS: dict[str, tuple[str, dict[str, Any]]] = dict(
    gersp=(
        'gersp/r18_quickstart.py',
        SMALL
        | {
            f'{DATA}.sources.remote.data_root': '{root}',
            f'{DATA}.sources.remote.data_prefix': 'scenes',
            f'{DATA}.sources.natural.data_root': '{root}',
            f'{DATA}.sources.natural.data_prefix': 'photos',
            'model.neck.widths': [32, 16, 8],
            'model.sup_head.in_channels': 32,
            'model.queue': dict(dim=8, length=40),
        },
    ),
    cmid=(
        'cmid/r18_quickstart.py',
        {
            f'{DATA}.dataset.data_root': '{root}',
            f'{DATA}.dataset.data_prefix': 'scenes',
            'model.queue.length': 64,
        },
    ),
    cmid_swin=(
        'cmid/swin_mini_quickstart.py',
        {
            f'{DATA}.dataset.data_root': '{root}',
            f'{DATA}.dataset.data_prefix': 'scenes',
            'model.queue.length': 64,
            # Drawn in the training process.
            'model.backbone.drop_path_rate': 0.3,
        },
    ),
    moco=(
        'moco/v2_r50_maid.py',
        SMALL
        | PIPELINES
        | {
            f'{DATA}.data_root': '{root}',
            f'{DATA}.data_prefix': 'scenes',
            'model.queue_len': 64,
            'model.backbone.depth': 18,
            'model.neck.in_channels': 32,
            'model.neck.hid_channels': 16,
        },
    ),
    supervised=(
        'supervised/r50.py',
        SMALL
        | {
            f'{DATA}.data_root': '{root}',
            f'{DATA}.data_prefix': 'photos',
            f'{DATA}.pipeline': [
                dict(type='LoadImageFromFile'),
                *VIEW,
                dict(type='PackInputs'),
            ],
            'model.backbone.depth': 18,
            'model.head.in_channels': 32,
            'model.head.num_classes': 2,
            'val_dataloader': None,
            'val_evaluator': None,
            'val_cfg': None,
        },
    ),
    # Random windows, at most two of a scene in a batch; the others read images.
    geokr=(
        'geokr/r18_cpu.py',
        SMALL
        | {
            DATA: dict(
                type='rsp.SceneDataset',
                data_root='{root}/tiffs',
                bands=[1, 2, 3],
                windows=dict(size=32, length=24, max_per_scene=2),
                land_cover=dict(
                    rasters='{root}/worldcover.tif', class_map='worldcover'
                ),
                pipeline=[
                    dict(type='RandomFlip', prob=0.5),
                    dict(type='rsp.RandomRotate90', prob=0.5),
                    dict(type='PackInputs'),
                ],
                _delete_=True,
            ),
            'train_dataloader.batch_sampler.drop_last': True,
            'model.classifier.widths': [32, 8],
        },
    ),
)


def write_data(root: Path, scenes: int = 24, photos: int = 20) -> Path:
    """Write random scenes, and photos of two classes."""
    rng = np.random.default_rng(0)
    names = [f'scenes/{number:02}.png' for number in range(scenes)]
    names += [f'photos/{"ab"[number % 2]}/{number}.png' for number in range(photos)]
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 255, (48, 48, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(file)
    return root


def write_scenes(root: Path) -> Path:
    """Write three scenes and a land-cover map of their ground."""
    import scenes

    for number in range(3):
        grid = scenes.utm_grid(160 + 20 * number, 150, 700 * number, -300 * number)
        scenes.sentinel2(root / 'tiffs' / f'{number}.tif', grid)
    scenes.worldcover(root / 'worldcover.tif')
    return root


def small_config(
    method: str, root: Path, folder: str, resume: Path | None = None, **changes: Any
) -> Config:
    """Return a config of 3 epochs of 6 steps, a checkpoint every 2 iterations.

    Args:
        method: A key of `METHODS`.
        root: Folder of `write_data`, in which the run gets ``folder``.
        resume: Checkpoint.
        changes: Further options, ``__`` for a point.
    """
    name, options = METHODS[method]
    options = options | {
        'train_dataloader.batch_size': 4,
        'train_dataloader.num_workers': 0,
        'train_cfg.max_epochs': 3,
        'default_hooks.logger.interval': 1,
        'default_hooks.checkpoint.interval': 2,
        'default_hooks.checkpoint.by_epoch': False,
        'default_hooks.checkpoint.max_keep_ckpts': -1,
        'experiment_name': uuid4().hex,
        'log_level': 'INFO',
        'vis_backends': [dict(type='LocalVisBackend')],
        'visualizer.vis_backends': [dict(type='LocalVisBackend')],
    }
    options |= {key.replace('__', '.'): value for key, value in changes.items()}
    if method == 'geokr' and not (root / 'tiffs').exists():
        write_scenes(root)
    options = _fill_in(options, str(root))
    return training_config(
        str(ROOT / 'configs' / name),
        work_dir=str(root / folder),
        resume=None if resume is None else str(resume),
        auto_scale_lr=options.pop('auto_scale_lr', False),
        cfg_options=options,
    )


def _fill_in(value: Any, root: str) -> Any:
    if isinstance(value, dict):
        return {key: _fill_in(v, root) for key, v in value.items()}
    return value.replace('{root}', root) if isinstance(value, str) else value


def train(*args: Any, **kwargs: Any) -> Runner:
    """Train a `small_config` to its end."""
    runner = build_runner(small_config(*args, **kwargs))
    runner.train()
    return runner


def scalars(runner: Runner) -> list[dict]:
    """Return the logged steps of a run."""
    (file,) = Path(runner.work_dir).glob('*/vis_data/scalars.json')
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    return [line for line in lines if 'loss' in line]


def assert_same(ours: Runner, theirs: Runner) -> None:
    """Compare all tensors of model and optimizer bit by bit, and the position."""
    assert (ours.epoch, ours.iter) == (theirs.epoch, theirs.iter)
    pairs = [
        (ours.model.state_dict(), theirs.model.state_dict()),
        (ours.optim_wrapper.state_dict(), theirs.optim_wrapper.state_dict()),
    ]
    for one, other in pairs:
        differing = [*_differences(one, other, '')]
        assert not differing, differing[:5]


def _differences(one: Any, other: Any, name: str) -> Any:
    if isinstance(one, torch.Tensor):
        if not torch.equal(one, other):
            yield name
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), name
        for key in one:
            yield from _differences(one[key], other[key], f'{name}.{key}')
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), name
        for number, pair in enumerate(zip(one, other, strict=True)):
            yield from _differences(*pair, f'{name}.{number}')
    elif one != other:
        yield name
