"""Trainings of seconds: four methods, images and scenes, four tasks; two processes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cases.runs.small_runs import small_config, write_data
from cases.runs.task_runs import STEPS as TASK_STEPS
from cases.runs.task_runs import TASKS, task_config, write_task_data
from mmengine.config import Config

# Two images on each of two processes a step; saved inside the epochs as well.
EPOCHS, STEPS, INTERVAL = 4, 6, 4
NARROW = {
    'model__backbone__arch__embed_dims': 16,
    'model__neck__in_channels': 32,
    'model__neck__hid_channels': 32,
    'model__local_neck__in_channels': 32,
    'model__reconstruction__decoder__in_channels': 32,
}
# Method, changes. The number of workers belongs to the run: random numbers of the
# training process depend on it.
RUNS: dict[str, tuple[str, dict[str, Any]]] = dict(
    gersp=('gersp', {}),
    cmid=('cmid_swin', NARROW),
    geokr=('geokr', dict(train_dataloader__num_workers=1)),
    moco=(
        'moco',
        dict(
            train_dataloader__num_workers=1, train_dataloader__persistent_workers=False
        ),
    ),
    accumulated=(
        'gersp',
        dict(
            optim_wrapper__accumulative_counts=2,
            default_hooks__checkpoint__in_background=True,
        ),
    ),
)


NAMES = (*RUNS, *TASKS)


@dataclass(frozen=True)
class TinyRun:
    """A config that trains in seconds.

    Attributes:
        name: One of `NAMES`.
        config: File.
        steps: Its iterations.
    """

    name: str
    config: Path
    steps: int = EPOCHS * STEPS

    @property
    def last(self) -> str:
        """Name of the last checkpoint."""
        return f'iter_{self.steps}.pth'


def make_run(name: str, folder: Path, **changes: Any) -> TinyRun:
    """Write data, unless they are there, and a config.

    Args:
        name: One of `NAMES`.
        folder: For both.
        changes: Further options, see `small_config` and `task_config`.
    """
    cfg = (_of_task if name in TASKS else _of_method)(name, folder, changes)
    cfg.resume, cfg.load_from = False, None
    file = folder / f'{name}.py'
    cfg.dump(file)
    return TinyRun(name, file, TASK_STEPS if name in TASKS else EPOCHS * STEPS)


def _of_task(name: str, folder: Path, changes: dict[str, Any]) -> Config:
    if not (folder / 'classes').exists():
        write_task_data(folder)
    return task_config(name, folder, 'unused', **changes)


def _of_method(name: str, folder: Path, changes: dict[str, Any]) -> Config:
    if not (folder / 'photos').exists():
        write_data(folder)
    method, options = RUNS[name]
    options = options | dict(
        train_dataloader__batch_size=2,
        train_cfg__max_epochs=EPOCHS,
        default_hooks__checkpoint__interval=INTERVAL,
    )
    return small_config(method, folder, 'unused', **options | changes)
