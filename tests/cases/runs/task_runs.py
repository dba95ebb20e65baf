"""Seconds of every downstream task, from the configs of the repository."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from mmengine.config import Config
from PIL import Image

from rsp.engine.train import training_config

ROOT = Path(__file__).parents[3]
SIDE, TRAIN, VAL = 64, 8, 5
# Iterations, validated and saved every so many.
STEPS, INTERVAL = 12, 4
WIDTHS = [8, 16, 32, 64]
BACKBONE = {
    'model.backbone.depth': 18,
    'model.backbone.base_channels': 8,
    'model.backbone.stem_channels': 8,
}
FLIP = dict(type='RandomFlip', prob=0.5)
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
TASKS: dict[str, tuple[str, dict[str, Any]]] = dict(
    classification=(
        'classification/r50_ucm_finetune.py',
        {
            'model.head.in_channels': WIDTHS[-1],
            'model.head.num_classes': 2,
            'model.head.topk': (1,),
            'val_evaluator.topk': (1,),
            'test_evaluator.topk': (1,),
            **{
                f'{loader}.dataset': dict(
                    type='rsp.ImageFolder',
                    data_root='{root}',
                    data_prefix='classes/'
                    + loader.split('_')[0].replace('test', 'val'),
                    pipeline=[
                        dict(type='LoadImageFromFile'),
                        *([dict(FLIP)] * (loader == 'train_dataloader')),
                        dict(type='PackInputs'),
                    ],
                    _delete_=True,
                )
                for loader in LOADERS
            },
            'default_hooks.checkpoint.save_best': 'accuracy/top1',
        },
    ),
    detection=(
        'detection/atss_r18_vehicle_mini.py',
        {
            'model.neck.in_channels': WIDTHS[1:],
            'model.neck.out_channels': 32,
            'model.bbox_head.in_channels': 32,
            'model.bbox_head.feat_channels': 32,
            'train_dataloader.dataset.pipeline.2.crop_size': (48, 48),
            **{f'{loader}.dataset.data_root': '{root}/dior' for loader in LOADERS},
        },
    ),
    segmentation=(
        'segmentation/upernet_r18_building-oam_mini.py',
        {
            'model.data_preprocessor.size': (SIDE, SIDE),
            'model.decode_head.in_channels': WIDTHS,
            'model.decode_head.channels': 16,
            'model.auxiliary_head.in_channels': WIDTHS[2],
            'model.auxiliary_head.channels': 16,
            'train_dataloader.dataset.pipeline.2.scale': (SIDE, SIDE),
            'train_dataloader.dataset.pipeline.3.crop_size': (SIDE, SIDE),
            **{f'{loader}.dataset.data_root': '{root}/tiles' for loader in LOADERS},
        },
    ),
    change_detection=(
        'change_detection/bit_r50_levir-cd.py',
        {
            'model.decode_head.in_channels': WIDTHS[2],
            'model.decode_head.decoder_depth': 1,
            **{f'{loader}.dataset.data_root': '{root}/pairs' for loader in LOADERS},
        },
    ),
)


def write_task_data(root: Path) -> Path:
    """Write images of two classes, with boxes, with masks, and pairs with changes."""
    rng = np.random.default_rng(0)
    for split, count in (('train', TRAIN), ('val', VAL), ('test', VAL)):
        for number in range(count):
            pixels = rng.integers(0, 200, (SIDE, SIDE, 3), dtype=np.uint8)
            mask = np.zeros((SIDE, SIDE), np.uint8)
            mask[10 : 30 + number, 20:44] = 1
            _save(root / f'classes/{split}/{"ab"[number % 2]}/{number}.png', pixels)
            marked = np.where(mask[..., None], 255, pixels).astype(np.uint8)
            _save(root / f'tiles/img_dir/{split}/{number}.jpg', marked)
            _save(root / f'tiles/ann_dir/{split}/{number}.png', mask)
            _save(root / f'pairs/{split}/A/{number}.png', pixels)
            _save(root / f'pairs/{split}/B/{number}.png', marked)
            _save(root / f'pairs/{split}/label/{number}.png', mask * 255)
            if split != 'val':
                _write_box(root / 'dior', split, number, marked)
    return root


def _save(file: Path, pixels: np.ndarray) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file)


def _write_box(root: Path, split: str, number: int, pixels: np.ndarray) -> None:
    """Write an image of DIOR's layout with one box around what is marked."""
    part, name = dict(train='trainval').get(split, split), f'{split}{number}'
    _save(root / f'JPEGImages-{part}/{name}.jpg', pixels)
    box = dict(xmin=20, ymin=10, xmax=44, ymax=30 + number)
    corners = ''.join(f'<{key}>{value}</{key}>' for key, value in box.items())
    file = root / f'Annotations/Horizontal Bounding Boxes/{name}.xml'
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        f'<annotation><size><width>{SIDE}</width><height>{SIDE}</height></size><object>'
        '<name>vehicle</name><difficult>0</difficult>'
        f'<bndbox>{corners}</bndbox></object></annotation>'
    )
    names = root / f'ImageSets/Main/{part}.txt'
    names.parent.mkdir(parents=True, exist_ok=True)
    with names.open('a') as lines:
        lines.write(f'{name}\n')


def task_config(
    task: str, root: Path, folder: str, resume: str | None = None, **changes: Any
) -> Config:
    """Return a config of `STEPS` iterations, for one process or more.

    Args:
        task: A key of `TASKS`.
        root: Folder of `write_task_data`, in which the run gets ``folder``.
        resume: ``'auto'`` or a checkpoint.
        changes: Further options, ``__`` for a point.
    """
    name, options = TASKS[task]
    options = {
        **BACKBONE,
        **options,
        'train_cfg': dict(
            type='IterBasedTrainLoop',
            max_iters=STEPS,
            val_interval=INTERVAL,
            _delete_=True,
        ),
        'param_scheduler': [
            dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=4),
            dict(type='CosineAnnealingLR', by_epoch=False, begin=4, end=STEPS),
        ],
        'train_dataloader.batch_size': 2,
        'default_hooks.logger.interval': 1,
        'default_hooks.checkpoint.interval': INTERVAL,
        'default_hooks.checkpoint.by_epoch': False,
        'default_hooks.checkpoint.max_keep_ckpts': 2,
        'log_processor.by_epoch': False,
        'experiment_name': uuid4().hex,
        'visualizer.vis_backends': [dict(type='LocalVisBackend')],
    }
    for loader in LOADERS:
        options |= {f'{loader}.num_workers': 0, f'{loader}.persistent_workers': False}
    options |= {key.replace('__', '.'): value for key, value in changes.items()}
    return training_config(
        str(ROOT / 'configs/downstream' / name),
        work_dir=str(root / folder),
        resume=resume,
        cfg_options=_fill_in(options, str(root)),
    )


def _fill_in(value: Any, root: str) -> Any:
    if isinstance(value, dict):
        return {key: _fill_in(one, root) for key, one in value.items()}
    return value.replace('{root}', root) if isinstance(value, str) else value
