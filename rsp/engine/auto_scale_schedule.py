"""Fit what follows steps, but learning rates, to another number of samples per step."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.hooks import EMAHook
from mmengine.model import BaseAveragedModel, ExponentialMovingAverage
from mmengine.runner import IterBasedTrainLoop
from mmpretrain.models.selfsup import MoCo

from rsp.engine.distributed import unwrap_model
from rsp.engine.hooks.teacher import TeacherHook
from rsp.engine.hooks.value_schedule import ValueScheduleHook
from rsp.errors import UserError
from rsp.models.heads.self_distillation_head import SelfDistillationHead
from rsp.models.modules.queue import FeatureQueue
from rsp.models.modules.teacher import Teacher
from rsp.ops.schedules import share_of_steps

OTHERWISE = 'or leave --auto-scale-schedule out and set what depends on it yourself.'
# Schedules of mmengine and ours, by the names before LR or Momentum.
KNOWN = {
    'Constant',
    'CosineAnnealing',
    'CosineRestart',
    'Exponential',
    'Linear',
    'MultiStep',
    'OneCycle',
    'Poly',
    'QuadraticWarmup',
    'Step',
    'Warmup',
}
# Their arguments that count steps; a schedule of one step is none.
COUNTS = ('begin', 'end', 'T_max', 'step_size', 'total_steps')
LISTS = ('milestones', 'periods')


def scale_schedules(runner: Any, factor: float) -> list[str]:
    r"""Fit averages and schedules of a run to ``factor`` times the recipe's batch.

    What follows samples stays, what follows steps is changed, so that after as many
    samples it is where the recipe has it:

    * averages over steps (teacher, center): :math:`m' = m^\kappa` of the papers'
      momentum m, the EMA Scaling Rule of Busbridge et al., "How to Scale Your EMA",
      NeurIPS 2023, https://arxiv.org/abs/2307.13813; it supposes a learning rate that
      is scaled, too;
    * schedules that count steps (warm-ups, milestones; ``points`` of
      ``rsp.ValueScheduleHook``): their lengths are divided by :math:`\kappa`;
    * queues, milestones in images, and all that counts epochs: as they are.

    Args:
        runner: Before its schedules are built.
        factor: :math:`\kappa`, samples per step over those of the recipe.

    Returns:
        A line for all that was changed or, though it might be expected to, was not.

    Raises:
        UserError: If there is no rule for something.
    """
    _refuse_without_rule(runner)
    return [
        *_scale_averages(runner, factor),
        *_scale_hooks(runner, factor),
        *_scale_param_schedulers(runner, factor),
        *_name_queues(runner),
    ]


def _refuse_without_rule(runner: Any) -> None:
    if isinstance(runner.train_loop, IterBasedTrainLoop):
        raise UserError(
            '--auto-scale-schedule expects a run of epochs, whose length follows the '
            f'data, got train_cfg.max_iters={runner.max_iters}; train by '
            f'train_cfg.max_epochs, {OTHERWISE}'
        )
    for hook in runner.hooks:
        if isinstance(hook, EMAHook):
            raise UserError(
                '--auto-scale-schedule expects no EMAHook, for whose average it has no '
                f'rule, got {type(hook).__name__}; remove it from custom_hooks, '
                f'{OTHERWISE}'
            )
    for name, module in unwrap_model(runner.model).named_modules():
        if isinstance(module, BaseAveragedModel) and not _has_rule(module):
            raise UserError(
                f'--auto-scale-schedule expects an exponential average that moves in '
                f'every step, got {type(module).__name__} at model.{name}; take '
                f'another model, {OTHERWISE}'
            )


def _has_rule(average: Any) -> bool:
    # Not their subclasses, which may have a schedule of their own (CosineEMA).
    if type(average) is Teacher:
        return True
    return type(average) is ExponentialMovingAverage and average.interval == 1


def _scale_averages(runner: Any, factor: float) -> Iterator[str]:
    scheduled = {
        hook.target for hook in runner.hooks if isinstance(hook, ValueScheduleHook)
    }
    in_images = any(
        isinstance(hook, TeacherHook) and hook.milestones is not None
        for hook in runner.hooks
    )
    for name, module in unwrap_model(runner.model).named_modules():
        if isinstance(module, BaseAveragedModel):
            attribute = 'momentum'
        elif isinstance(module, SelfDistillationHead):
            attribute = 'center_momentum'
        else:
            continue
        path = f'{name}.{attribute}'
        if path in scheduled:
            continue
        before = getattr(module, attribute)
        if isinstance(module, Teacher) and in_images:
            yield f'model.{path} {before:g}: stays, its milestones count images'
            continue
        setattr(module, attribute, share_of_steps(before, factor))
        yield f'model.{path} {before:g} → {getattr(module, attribute):.6g}'


def _scale_hooks(runner: Any, factor: float) -> Iterator[str]:
    averages = {
        f'{name}.momentum'
        for name, module in unwrap_model(runner.model).named_modules()
        if isinstance(module, BaseAveragedModel)
    }
    for hook in runner.hooks:
        if not isinstance(hook, ValueScheduleHook):
            continue
        if hook.target in averages:
            hook.exponent = factor
            yield f'schedule of model.{hook.target}: each m → m^{factor:g}'
        if hook.points is not None and not hook.by_epoch:
            before = hook.points
            hook.points = _steps(before - 1, factor) + 1
            yield f'schedule of model.{hook.target}: points {before} → {hook.points}'


def _scale_param_schedulers(runner: Any, factor: float) -> Iterator[str]:
    schedulers = runner.param_schedulers
    several = isinstance(schedulers, list | tuple)
    for number, cfg in enumerate(schedulers if several else [schedulers]):
        if cfg is None:
            continue
        place = f'param_scheduler[{number}]' if several else 'param_scheduler'
        if not isinstance(cfg, Mapping) or 'type' not in cfg:
            raise UserError(
                f'--auto-scale-schedule expects the config of a schedule, got '
                f'{type(cfg).__name__} at {place}; give its type and arguments, '
                f'{OTHERWISE}'
            )
        if cfg.get('by_epoch', True):
            continue
        kind = cfg['type'] if isinstance(cfg['type'], str) else cfg['type'].__name__
        name = kind.rpartition('.')[2].removesuffix('LR').removesuffix('Momentum')
        name = name.removesuffix('Param').removesuffix('Scheduler')
        if name not in KNOWN:
            raise UserError(
                f'--auto-scale-schedule expects schedules of mmengine in iterations, '
                f"got type='{kind}' at {place}; give it in epochs, {OTHERWISE}"
            )
        for key, before, after in _scaled(cfg, name, factor):
            cfg[key] = after  # type: ignore[index]
            yield f'{place}.{key} {before} → {after}'


def _scaled(
    cfg: Mapping[str, Any], name: str, factor: float
) -> Iterator[tuple[str, Any, Any]]:
    """Yield the arguments that count steps, with values before and after."""
    begin = _steps(cfg['begin'], factor) if cfg.get('begin') else 0
    for key in COUNTS:
        # mmengine's stand-in for no end is a number of steps, too.
        if cfg.get(key) and cfg[key] < 10**8:
            after = _steps(cfg[key], factor)
            if key == 'end' and name == 'Linear':
                after = max(after, begin + 2)  # Of one step it has no slope.
            yield key, cfg[key], after
    for key in LISTS:
        if cfg.get(key):
            yield key, [*cfg[key]], [_steps(steps, factor) for steps in cfg[key]]
    if name == 'Exponential' and 'gamma' in cfg:
        yield 'gamma', cfg['gamma'], cfg['gamma'] ** factor


def _steps(count: int, factor: float) -> int:
    return max(1, math.floor(count / factor + 0.5))


def _name_queues(runner: Any) -> Iterator[str]:
    model = unwrap_model(runner.model)
    for name, module in model.named_modules():
        if isinstance(module, FeatureQueue):
            yield f'model.{name}.length {module.length}: stays, it counts images'
    if isinstance(model, MoCo):
        yield f'model.queue_len {model.queue_len}: stays, it counts images'
