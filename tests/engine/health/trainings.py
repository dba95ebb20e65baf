"""Data and runs of small pre-trainings, and a way to hear their alarms."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
from methods import SIDE
from mmcv.transforms import BaseTransform
from mmengine.config import Config
from mmengine.logging import MMLogger

from rsp.engine.train import build_runner
from rsp.errors import UserError
from rsp.registry import TRANSFORMS

ROOT = Path(__file__).parents[3]
QUICKSTART = ROOT / 'data/quickstart'


@TRANSFORMS.register_module(force=True)
class SharesOfClasses(BaseTransform):
    """Turn a label into shares of land cover, most of them of the label's class."""

    def __init__(self, num_classes: int = 10) -> None:
        self.num_classes = num_classes

    def transform(self, results: dict) -> dict:
        rng = np.random.default_rng(len(results['img_path']) + results['gt_label'])
        shares = 0.3 * rng.dirichlet(np.ones(self.num_classes))
        shares[results['gt_label']] += 0.7
        return results | dict(gt_score=shares.astype(np.float32))


def augment(
    side: int = SIDE, crop: tuple = (0.2, 1.0), jitter: float = 0.4, gray: float = 0.0
) -> list[dict]:
    """Write the transforms of one view."""
    color = dict(
        type='rsp.ColorJitter',
        brightness=jitter,
        contrast=jitter,
        saturation=jitter / 2,
        hue=jitter / 4,
    )
    return [
        dict(type='RandomResizedCrop', scale=side, crop_ratio_range=crop),
        dict(type='RandomApply', transforms=[color], prob=0.8),
        dict(type='RandomGrayscale', prob=gray, keep_channels=True),
        dict(type='RandomFlip', prob=0.5),
    ]


def views(transforms: list[dict] | None = None, count: int = 2) -> list[dict]:
    """Write a pipeline of several views."""
    chosen = augment() if transforms is None else transforms
    return [
        dict(type='LoadImageFromFile'),
        dict(type='MultiView', num_views=count, transforms=[chosen]),
        dict(type='PackInputs'),
    ]


def single(transforms: list[dict] | None = None, *before_pack: dict) -> list[dict]:
    """Write a pipeline of one view."""
    chosen = augment() if transforms is None else transforms
    return [
        dict(type='LoadImageFromFile'),
        *chosen,
        *before_pack,
        dict(type='PackInputs'),
    ]


def folder(
    pipeline: list[dict],
    root: Path = QUICKSTART,
    prefix: str = 'remote',
    **options: Any,
) -> dict:
    """Write a data set of images below a folder."""
    return (
        dict(
            type='rsp.ImageFolder',
            data_root=str(root),
            data_prefix=prefix,
            with_label=False,
            pipeline=pipeline,
        )
        | options
    )


def paired(remote: dict, natural: dict) -> dict:
    """Write GeRSP's data set."""
    return dict(
        type='rsp.PairedDataset',
        pairing='shuffle',
        sources=dict(remote=remote, natural=natural),
    )


def photos(root: Path = QUICKSTART, prefix: str = 'natural', **options: Any) -> dict:
    """Write the labeled photos."""
    pipeline = single(augment(crop=(0.5, 1.0), jitter=0.2))
    return folder(pipeline, root, prefix, with_label=True) | options


def masked(
    root: Path = QUICKSTART,
    prefix: str = 'remote',
    ratio: float = 0.6,
    stride: int = 16,
    size: int = SIDE,
) -> dict:
    """Write CMID's data set."""
    crop = dict(
        type='rsp.MaskedTwoCrop',
        size=size,
        transforms=[[], augment()[1:2]],
        mask_patch_size=8,
        mask_ratio=ratio,
        stride=stride,
    )
    pack = dict(type='PackInputs', algorithm_keys=['masks', 'positions'])
    images = folder([dict(type='LoadImageFromFile'), crop, pack], root, prefix)
    return dict(type='rsp.SeededDataset', dataset=images)


def land_cover(
    root: Path = QUICKSTART, prefix: str = 'probe/train', more: tuple = ()
) -> dict:
    """Write GeoKR's data set."""
    pipeline = single(augment(jitter=0.1), dict(type='rsp.SharesOfClasses'), *more)
    return folder(pipeline, root, prefix, with_label=True)


def training(
    model: dict,
    dataset: dict,
    batch: int = 32,
    lr: float = 1e-3,
    steps: int = 200,
    seed: int = 0,
    optimizer: dict | None = None,
    hooks: tuple = (),
    **keys: Any,
) -> dict:
    """Write the config of a training with the health hook as it is by default."""
    seeded = dataset['type'] in ('rsp.PairedDataset', 'rsp.SeededDataset')
    collate = {'rsp.PairedDataset': 'rsp.paired_collate'}.get(
        dataset['type'], 'rsp.stacked_collate' if seeded else 'default_collate'
    )
    loader: dict = dict(
        batch_size=batch,
        num_workers=0,
        dataset=dataset,
        collate_fn=dict(type=collate),
        sampler=dict(type='DefaultSampler', shuffle=True),
        drop_last=True,
    )
    if seeded:
        del loader['drop_last']
        loader |= dict(
            sampler=dict(type='rsp.PairedSampler', shuffle=True),
            batch_sampler=dict(type='rsp.PairedBatchSampler', drop_last=True),
        )
    adam = dict(type='AdamW', lr=lr, weight_decay=0.05, fused=True)
    warmup = dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=20)
    return (
        dict(
            default_scope='mmpretrain',
            runner_type='rsp.PortableRunner',
            model=model,
            train_dataloader=loader,
            train_cfg=dict(
                type='IterBasedTrainLoop', max_iters=steps, val_interval=steps
            ),
            optim_wrapper=dict(optimizer=optimizer or adam),
            param_scheduler=[warmup],
            default_hooks=dict(
                checkpoint=None, logger=None, health=dict(type='rsp.HealthHook')
            ),
            custom_hooks=list(hooks),
            visualizer=dict(type='Visualizer', vis_backends=[]),
            randomness=dict(seed=seed),
            log_level='WARNING',
        )
        | keys
    )


def heard(cfg: dict, work_dir: Path) -> list[str]:
    """Return what a run warns of, and how it ended if it did not go on."""
    lines: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    cfg = dict(cfg, work_dir=str(work_dir), experiment_name=work_dir.name)
    try:
        runner = build_runner(Config(cfg))
        runner.logger.addHandler(handler)
        runner.train()
    except UserError as error:
        lines.append(str(error))
    finally:
        MMLogger.get_current_instance().removeHandler(handler)
    return lines
