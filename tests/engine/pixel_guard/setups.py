"""Set-ups of all tasks as users have them, and a way to hear what the guard says."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.model import BaseModel
from mmpretrain.models import ResNet
from torch import nn

import rsp.tasks.change_detection
import rsp.tasks.detection
import rsp.tasks.segmentation  # noqa: F401
from rsp.engine.train import build_runner
from rsp.errors import UserError
from rsp.io.configs import config_folder
from rsp.registry import MODELS

IMAGENET = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])
FLIPS = [dict(type='RandomFlip', prob=0.5), dict(type='PackInputs')]


@MODELS.register_module(force=True)
class PixelSink(BaseModel):
    """Take the place of a model: its data preprocessor and its first layer."""

    def __init__(
        self,
        data_preprocessor: dict,
        in_channels: int = 3,
        source_stems: dict[str, int] | None = None,
    ) -> None:
        super().__init__(data_preprocessor)
        stems = {n: nn.Conv2d(c, 8, 7) for n, c in (source_stems or {}).items()}
        self.source_stems = nn.ModuleDict(stems)
        self.backbone = ResNet(
            18, in_channels=in_channels, stem_channels=8, base_channels=8
        )

    def forward(self, inputs: Any, data_samples: Any = None, mode: str = '') -> Any:
        if mode == 'predict':
            return [0]
        return dict(loss=next(self.parameters()).sum())


def config(
    loader: dict,
    preprocessor: dict,
    channels: int = 3,
    scope: str = 'mmpretrain',
    **keys: Any,
) -> dict:
    """Write the config of a training with the guard and nothing else."""
    seeded = (
        loader['dataset'].get('type') == 'rsp.SceneDataset' or 'batch_sampler' in loader
    )
    loader = dict(loader, num_workers=0, persistent_workers=False)
    if seeded:
        loader.setdefault('sampler', dict(type='rsp.PairedSampler', shuffle=True))
        loader.setdefault('batch_sampler', dict(type='rsp.PairedBatchSampler'))
        loader.setdefault('collate_fn', dict(type='rsp.stacked_collate'))
    else:
        loader.setdefault('sampler', dict(type='DefaultSampler', shuffle=True))
    loader['batch_size'] = 16
    return (
        dict(
            default_scope=scope,
            runner_type='rsp.PortableRunner',
            model=dict(
                type='rsp.PixelSink',
                data_preprocessor=preprocessor,
                in_channels=channels,
            ),
            train_dataloader=loader,
            train_cfg=dict(type='IterBasedTrainLoop', max_iters=4, val_interval=4),
            default_hooks=dict(checkpoint=None, logger=None),
            visualizer=dict(type='Visualizer', vis_backends=[]),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
            custom_hooks=[dict(type='rsp.PixelGuardHook')],
            log_level='WARNING',
        )
        | keys
    )


def shipped(name: str, change: Callable[[Config], None]) -> dict:
    """Take data and preprocessor of a shipped config; ``change`` moves its folders."""
    cfg = Config.fromfile(config_folder() / f'{name}.py')
    change(cfg)
    preprocessor = cfg.model.get('data_preprocessor') or cfg.data_preprocessor
    preprocessor = dict(preprocessor)
    if name.startswith('downstream/classification'):
        preprocessor = dict(cfg.get('data_preprocessor') or {}) | preprocessor
        preprocessor.pop('num_classes', None)
        preprocessor.setdefault('type', 'ClsDataPreprocessor')
    loader = cfg.train_dataloader.to_dict()
    return config(loader, preprocessor, scope=cfg.default_scope)


def scenes(
    folder: Any, preprocessor: dict | None = None, channels: int = 3, **arguments: Any
) -> dict:
    """Write the config of windows of scenes."""
    arguments.setdefault('windows', 64)
    data = (
        dict(
            type='rsp.SceneDataset',
            data_root=folder if isinstance(folder, list) else str(folder),
            pipeline=FLIPS,
        )
        | arguments
    )
    plain = dict(type='rsp.BandDataPreprocessor')
    return config(dict(dataset=data), preprocessor or plain, channels)


def bands(mean: Any, std: Any, **options: Any) -> dict:
    """Write a preprocessor of N bands."""
    return dict(type='rsp.BandDataPreprocessor', mean=[*mean], std=[*std]) | options


def heard(cfg: dict, work_dir: Path) -> list[str]:
    """Return what a run says of its pixels before and during its first 64 images."""
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
