"""Tell what a run computes with, and keep a pilot on this machine."""

import shutil
from typing import Any

import torch
from mmengine.config import Config
from mmengine.runner import Runner

from rsp.engine.auto_scale_lr import batch_size_of, sample_unit
from rsp.engine.pilot.measuring import resources
from rsp.engine.pilot.packing import folders_of

LOCAL = ('LocalVisBackend', 'TensorboardVisBackend')


def use_local_files_alone(cfg: Config) -> None:
    """Drop, in place, loggers that report to a server: a pilot is no run."""
    visualizer = cfg.get('visualizer')
    if visualizer and visualizer.get('vis_backends'):
        visualizer.vis_backends = [
            backend
            for backend in visualizer.vis_backends
            if str(backend['type']).endswith(LOCAL)
        ]


def facts_of(runner: Runner) -> dict[str, Any]:
    """Return machine and settings of a run that was built."""
    cfg, loader = runner.cfg, runner.train_dataloader
    on_gpu = torch.cuda.is_available()
    batch, data = batch_size_of(loader), cfg.train_dataloader.dataset
    # Some epochs of a few steps each, for a trial.
    count = max(16 * batch, 256)
    return dict(
        device=torch.cuda.get_device_name() if on_gpu else 'CPU',
        gpu=on_gpu,
        cores=resources.cores(),
        torch=torch.__version__,
        batch=batch,
        folders=[*folders_of(loader.dataset, data, 'train_dataloader.dataset', count)],
        unit=sample_unit(loader.dataset),
        workers=loader.num_workers,
        by_epoch=runner.max_epochs > 1 or runner.max_iters == _length(loader),
        amp=type(runner.optim_wrapper).__name__ != 'OptimWrapper',
        memory_format=cfg.get('memory_format', 'contiguous'),
        compiled=bool(cfg.get('compile_backbone') or cfg.get('compile')),
        can_compile=on_gpu or shutil.which('g++') is not None,
        scales_lr=cfg.get('auto_scale_lr') is not None,
        bf16=on_gpu or _has_bf16_instructions(),
    )


def _length(loader: Any) -> int | None:
    return len(loader) if hasattr(loader.dataset, '__len__') else None


def _has_bf16_instructions() -> bool:
    """Tell if this CPU multiplies bfloat16; it computes with it in any case."""
    flags = resources.PROC / 'cpuinfo'
    text = flags.read_text() if flags.is_file() else ''
    return 'avx512_bf16' in text or 'amx_bf16' in text
