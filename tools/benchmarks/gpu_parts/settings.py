"""Build runs on generated data, small or as published."""

import datetime
import functools
import itertools
import platform
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mmengine
import torch
from bench_step import synthetic
from mmengine.config import Config
from mmengine.runner import Runner

import rsp
from gpu_parts.pictures import write_pictures
from rsp.compat import git_commit, installed_versions
from rsp.engine.train import build_runner

CONFIGS = Path(__file__).resolve().parents[3] / 'configs'
COUNTER = itertools.count()


@dataclass
class Settings:
    """Hold what all parts share.

    Attributes:
        device: ``'cuda'`` or ``'cpu'``.
        tiny: Whether the quick starts' networks stand for the published ones.
        batch: Samples per step where speed is measured.
        notes: Results that later parts compare themselves with.
    """

    device: str
    tiny: bool
    batch: int
    notes: dict[str, Any] = field(default_factory=dict)

    def synchronize(self) -> None:
        """Wait for the device."""
        if self.device == 'cuda':
            torch.cuda.synchronize()


def environment(settings: Settings) -> dict[str, Any]:
    """Return machine, versions and date."""
    gpu = settings.device == 'cuda'
    found: dict[str, Any] = dict(
        date=datetime.datetime.now().astimezone().isoformat(timespec='seconds'),
        device=torch.cuda.get_device_name() if gpu else f'CPU, {platform.machine()}',
        tiny=settings.tiny,
        batch=settings.batch,
        python=platform.python_version(),
        torch=torch.__version__,
        cuda=torch.version.cuda,
        cudnn=torch.backends.cudnn.version() if gpu else None,
        rsp=rsp.__version__,
        commit=git_commit(),
        versions=installed_versions(),
    )
    if gpu:
        memory = torch.cuda.get_device_properties(0).total_memory
        found['memory_gib'] = round(memory / 2**30, 1)
    return found


def load(name: str, work_dir: Path | str, **options: Any) -> Config:
    """Read a config for a quiet run of its own name.

    Args:
        name: Below ``configs``.
        work_dir: Of the run.
        **options: Overrides, dots in their keys as ``__``.
    """
    cfg = Config.fromfile(CONFIGS / name)
    cfg.merge_from_dict({key.replace('__', '.'): v for key, v in options.items()})
    cfg.work_dir, cfg.log_level = str(work_dir), 'ERROR'
    cfg.experiment_name = f'gpu_report_{next(COUNTER)}'
    cfg.load_from = cfg.checkpoint = None
    # Nothing that is compared or timed here is for people to look at.
    cfg.visualizer.vis_backends = []
    return cfg


def on_one_batch(cfg: Config, batch: int, length: int | None = None) -> Config:
    """Let a config learn from generated images, loaded by this process.

    Args:
        cfg: Changed in place.
        batch: Samples per step.
        length: Images; as many as a batch.
    """
    loader = cfg.train_dataloader
    loader.batch_size = batch
    loader.dataset = generated(loader.dataset.to_dict(), length or batch)
    loader.update(num_workers=0, persistent_workers=False)
    for key in ('prefetch_factor', 'pin_memory'):
        loader.pop(key, None)
    return cfg


def generated(dataset: Any, count: int) -> Any:
    """Replace the folders of a data-set config by one of generated JPEG files.

    What makes views may read files itself, so pipelines stay. Scenes become images in
    memory.
    """
    if not isinstance(dataset, dict):
        return dataset
    if dataset.get('type') == 'rsp.ImageFolder':
        place = dict(data_root=image_folder(count).name, data_prefix='', ann_file='')
        return dataset | place
    if dataset.get('type') == 'rsp.SceneDataset':
        return synthetic(dataset, count)
    return {key: generated(value, count) for key, value in dataset.items()}


@functools.cache
def image_folder(count: int) -> tempfile.TemporaryDirectory:
    """Return a folder of one class, that is there as long as this process."""
    folder = temporary()
    write_pictures(Path(folder.name) / 'a', count, 256)
    return folder


def ready(cfg: Config, job: Any) -> Runner:
    """Train a config up to its first step and do a job there in place of all steps.

    Args:
        cfg: Of a training.
        job: Called with the runner; hooks have been told that training begins.

    Returns:
        The runner, with its model in training mode.
    """

    class JobLoop(mmengine.runner.EpochBasedTrainLoop):
        def run(self) -> None:
            self.runner.call_hook('before_train')
            self.runner.call_hook('before_train_epoch')
            self.runner.model.train()
            job(self.runner)
            self.runner.call_hook('after_train')

    cfg.train_cfg = dict(type=JobLoop, max_epochs=1)
    cfg.default_hooks.checkpoint.update(interval=1, by_epoch=True)
    if cfg.default_hooks.get('watchdog'):
        cfg.default_hooks.watchdog.seconds = 0
    runner = build_runner(cfg)
    runner.train()
    return runner


def first_batch(runner: Runner) -> Any:
    """Return a batch of the run's loader."""
    return next(iter(runner.train_dataloader))


def step(runner: Runner, batch: Any) -> None:
    """Take one step as the loop does, hooks included."""
    runner.train_loop.run_iter(runner.iter, batch)


def temporary() -> tempfile.TemporaryDirectory:
    """Return a folder for a run."""
    return tempfile.TemporaryDirectory(ignore_cleanup_errors=True)


def allow_tf32(allowed: bool) -> None:
    """Let float32 convolutions and products round to TF32, or not."""
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed
