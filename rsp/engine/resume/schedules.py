"""Load an optimizer and its schedules, or set this run's own to the same place."""

import copy
import warnings
from collections.abc import Mapping
from typing import Any

from mmengine.optim import OptimWrapper

from rsp.engine.hooks.accumulation import (
    passes_per_step,
    schedules_by_iteration,
    step_by_iteration,
)
from rsp.errors import UserError

# What a schedule changes while it runs; all else follows from its config.
RUNNING = {'last_step', '_global_step', '_last_value', 'base_values', 'verbose'}

# Settings that came with releases of torch and change no state.
SWITCHES = {
    'capturable',
    'decoupled_weight_decay',
    'differentiable',
    'foreach',
    'fused',
    'maximize',
}


def load_optimizer(
    runner: Any, checkpoint: Mapping[str, Any], moved: bool, with_schedules: bool
) -> list[str]:
    """Load the optimizer's state; its settings are those of this run's config.

    Where settings, schedules and batches are those of the checkpoint, everything is
    loaded as it was saved. Else momenta are, and rates begin at this run's values and
    take the steps up to its position.

    Args:
        runner: At its position, optimizer and schedules built.
        checkpoint: With ``optimizer`` and ``param_schedulers``.
        moved: Whether iterations count other batches than there.
        with_schedules: Whether to resume schedules.

    Returns:
        A line for each setting that differs.

    Raises:
        UserError: If the state is of another optimizer.
    """
    wrapper, saved = runner.optim_wrapper, dict(checkpoint['optimizer'])
    schedules = checkpoint.get('param_schedulers') if with_schedules else None
    if not (
        isinstance(wrapper, OptimWrapper)
        and isinstance(schedules, list)
        and isinstance(runner.param_schedulers, list)
        and runner.schedule_config is not None
    ):
        wrapper.load_state_dict(saved)
        _load_schedules(runner, schedules)
        return []
    _refuse_other_optimizer(wrapper.optimizer, saved)
    changed = _changed_settings(wrapper.optimizer.param_groups, saved['param_groups'])
    changed += _changed_schedules(runner.param_schedulers, schedules)
    own = copy.deepcopy([_settings(group) for group in wrapper.param_groups])
    wrapper.load_state_dict(saved)
    if not (changed or moved):
        _load_schedules(runner, schedules)
        return []
    for group, settings in zip(wrapper.param_groups, own, strict=True):
        group.update(settings)
    build_schedules(runner)
    step_schedules(runner)
    for schedule, state in zip(runner.param_schedulers, schedules, strict=False):
        if getattr(schedule, 'need_val_args', False):
            # It follows measured values, which no config tells.
            schedule.load_state_dict(state)
    return changed


def build_schedules(runner: Any) -> None:
    """Build the schedules of this run anew, from the values they begin with."""
    for group in runner.optim_wrapper.param_groups:
        for key in [key for key in group if key.startswith('initial_')]:
            group[key.removeprefix('initial_')] = group.pop(key)
    runner.param_schedulers = runner.build_param_scheduler(runner.schedule_config)


def step_schedules(runner: Any) -> None:
    """Step new schedules to the position of the run."""
    by_epoch = [
        schedule
        for schedule in runner.param_schedulers
        if schedule.by_epoch and not getattr(schedule, 'need_val_args', False)
    ]
    by_iteration = schedules_by_iteration(runner)
    passes, epochs, done = passes_per_step(runner), runner.epoch, 0
    batches = len(runner.train_loop.dataloader) if epochs else 0
    with warnings.catch_warnings():
        # "scheduler.step() before optimizer.step()"
        warnings.simplefilter('ignore', UserWarning)
        for epoch in range(epochs + 1):
            end = batches * (epoch + 1) if epoch < epochs else runner.iter
            for _ in range(done, end // passes):
                step_by_iteration(by_iteration, passes)
            done = end // passes
            if epoch < epochs:
                for schedule in by_epoch:
                    schedule.step()


def _load_schedules(runner: Any, states: Any) -> None:
    schedulers = runner.param_schedulers
    if states is None or schedulers is None:
        return
    if isinstance(schedulers, dict):
        pairs = [
            pair
            for name in schedulers
            for pair in zip(schedulers[name], states[name], strict=False)
        ]
    else:
        pairs = [*zip(schedulers, states, strict=False)]
    for schedule, state in pairs:
        schedule.load_state_dict(state)


def _settings(group: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in group.items() if k not in ('params', 'param_names')}


def _changed_settings(ours: list[dict], theirs: list[dict]) -> list[str]:
    """Compare settings of groups; of what a schedule moves, the values it begins at."""
    lines: dict[str, None] = {}
    for own, saved in zip(ours, theirs, strict=True):
        for key, value in _settings(own).items():
            if key not in saved or f'initial_{key}' in own | saved:
                continue
            name, before = key.removeprefix('initial_'), saved[key]
            if not _same(before, value):
                line = f'optimizer, {name}: {before} in the checkpoint, {value} applies'
                lines[line] = None
    return [*lines]


def _changed_schedules(ours: list, theirs: list[dict]) -> list[str]:
    if len(ours) != len(theirs):
        return [
            f'param_scheduler: {len(theirs)} schedules in the checkpoint, '
            f'{len(ours)} apply'
        ]
    lines = []
    for number, (own, saved) in enumerate(zip(ours, theirs, strict=True)):
        state = own.state_dict()
        for key in sorted((state.keys() | saved.keys()) - RUNNING):
            if not _same(saved.get(key), state.get(key)):
                lines.append(
                    f'param_scheduler[{number}].{key}: {saved.get(key)} in the '
                    f'checkpoint, {state.get(key)} applies'
                )
    return lines


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def _refuse_other_optimizer(optimizer: Any, saved: Mapping[str, Any]) -> None:
    known = saved['param_groups'][0].keys() if saved['param_groups'] else set()
    unknown = optimizer.defaults.keys() - known - SWITCHES
    if unknown:
        raise UserError(
            'expected the optimizer of the checkpoint, got '
            f'{type(optimizer).__name__} with {", ".join(sorted(unknown))}; restore '
            'optim_wrapper.optimizer.type, or start a new run from its weights: '
            'load_from=FILE, without --resume.'
        )
    groups = [len(group['params']) for group in optimizer.param_groups]
    theirs = [len(group['params']) for group in saved['param_groups']]
    if groups != theirs:
        raise UserError(
            f'expected {sum(theirs)} parameters in {len(theirs)} groups of the '
            f'optimizer, as in the checkpoint, got {sum(groups)} in {len(groups)}; '
            'restore optim_wrapper.paramwise_cfg and constructor, or start a new run '
            'from its weights: load_from=FILE, without --resume.'
        )
