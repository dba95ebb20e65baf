"""Compare a run with the batch size its learning rate was found for, and scale."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch.utils.data import DataLoader

from rsp.errors import UserError


@dataclass(frozen=True)
class EffectiveBatchSize:
    """Count the samples behind one update of the weights.

    Attributes:
        batch: Samples per process and forward pass.
        processes: Processes that average their gradients.
        accumulated: Forward passes per update.
        unit: Name of the samples: ``'images'``, ``'pairs'``.
    """

    batch: int
    processes: int = 1
    accumulated: int = 1
    unit: str = 'images'

    @property
    def total(self) -> int:
        """Samples per update of the weights."""
        return self.batch * self.processes * self.accumulated

    def __str__(self) -> str:
        factors = [f'{self.batch} {self.unit}']
        if self.processes > 1:
            factors.append(f'{self.processes} processes')
        if self.accumulated > 1:
            factors.append(f'{self.accumulated} accumulated passes')
        if len(factors) == 1:
            return f'{self.total} {self.unit} per step'
        return f'{" × ".join(factors)} = {self.total} per step'


def batch_size_of(loader: DataLoader) -> int:
    """Return the items of a loader's batch; its batch sampler knows if there is one."""
    batches: Any = loader.batch_sampler
    return loader.batch_size or batches.batch_size


def sample_unit(dataset: Any) -> str:
    """Name the items of a dataset for reports: images, pairs or groups.

    Args:
        dataset: A dataset; one with several ``sources`` gives an image of each.
    """
    sources = len(getattr(dataset, 'sources', ())) or 1
    return {1: 'images', 2: 'pairs'}.get(sources, 'groups')


def describe_difference(size: EffectiveBatchSize, base: int, lr: float) -> str | None:
    """Describe how a batch size differs from the recipe's; None if it does not.

    Args:
        size: Of the run.
        base: ``auto_scale_lr.base_batch_size``: samples per step of the recipe.
        lr: Learning rate of the recipe.
    """
    if size.total == base:
        return None
    return (
        f'{size}; the recipe was made for {base} (lr {lr:g}): pass --auto-scale-lr to '
        f'use lr {lr * size.total / base:g}, or change train_dataloader.batch_size or '
        'the number of processes.'
    )


def refuse_absolute_bounds(schedulers: Any, lr: float) -> None:
    """Refuse schedules that would keep an old bound under a scaled learning rate.

    A cosine from 0.007 to ``eta_min=0.001``, scaled to start at 0.0009, would rise.

    Args:
        schedulers: ``param_scheduler`` of the config: one, or a list.
        lr: Learning rate of the recipe, to tell the ratio.

    Raises:
        UserError: If a schedule of the learning rate has an absolute bound.
    """
    if isinstance(schedulers, Mapping):
        schedulers = [schedulers]
    for number, cfg in enumerate(schedulers or ()):
        if not isinstance(cfg, Mapping) or not _schedules_lr(cfg):
            continue
        for key in ('eta_min', 'eta_max', 'min_value'):
            if cfg.get(key):
                ratio = f'{key}_ratio={cfg[key] / lr:.4g}'
                raise UserError(
                    f'--auto-scale-lr expects bounds as ratios of the learning rate, '
                    f'got param_scheduler[{number}].{key}={cfg[key]}, which would stay '
                    f'while the rate is scaled; write {ratio} (cosine schedules take '
                    'it), or leave the flag out and set both by --cfg-options.'
                )


def _schedules_lr(cfg: Mapping[str, Any]) -> bool:
    kind = cfg.get('type', '')
    name = kind if isinstance(kind, str) else kind.__name__
    return not name.endswith('Momentum') and cfg.get('param_name', 'lr') == 'lr'


def learning_rates(optim_wrapper: Any) -> Sequence[dict[str, Any]]:
    """Return every dict that holds a learning rate, the logged base rate included.

    Args:
        optim_wrapper: One wrapper, or several in an ``OptimWrapperDict``.
    """
    single = hasattr(optim_wrapper, 'optimizer')
    wrappers = [optim_wrapper] if single else list(optim_wrapper.values())
    groups = [group for w in wrappers for group in w.optimizer.param_groups]
    bases = [getattr(w, 'base_param_settings', None) for w in wrappers]
    return groups + [base for base in bases if base]
