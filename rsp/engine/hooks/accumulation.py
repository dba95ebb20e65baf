"""Let whole steps of the optimizer count, not the passes that they accumulate."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.hooks import ParamSchedulerHook as MMParamSchedulerHook
from mmengine.model import BaseAveragedModel
from mmengine.runner import IterBasedTrainLoop, Runner

from rsp.engine.distributed import unwrap_model
from rsp.engine.resume.window import restore_window
from rsp.models.modules.passes import Passes
from rsp.models.selfsup.moco import MoCo
from rsp.models.selfsup.student_teacher import StudentTeacher
from rsp.registry import HOOKS


class AccumulationHook(Hook):
    """Tell a model which of the accumulated passes of a step comes next.

    With ``optim_wrapper.accumulative_counts=k`` the teacher then moves once for k
    passes, and their keys reach the queue together after the last one, as with a batch
    of k times the size. Parts that are `rsp.models.modules.passes.Passes` are
    told. Steps go on over the ends of epochs; only the last one of a run may have fewer
    passes. Nothing happens without accumulation. The runner registers it.
    """

    # Before checkpoints and pictures see the state of a step.
    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self.parts: list[Passes] = []
        # Of a checkpoint inside a step, until it is restored.
        self.window: dict[str, Any] | None = None

    def before_train(self, runner: Runner) -> None:
        """Find the parts; warn of a teacher that nothing can hold back."""
        if passes_per_step(runner) > 1:
            self.parts = accumulating_parts(unwrap_model(runner.model))
            self._warn_of_teacher(runner)
            if self.window is not None:
                restore_window(runner, self.window)

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Tell the place of the pass in its step."""
        if self.parts:
            wrapper: Any = runner.optim_wrapper
            is_first = wrapper.inner_count % passes_per_step(runner) == 0
            for part in self.parts:
                part.begin_pass(is_first, wrapper.should_sync())

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Tell the end of the pass."""
        for part in self.parts:
            part.end_pass()

    def _warn_of_teacher(self, runner: Runner) -> None:
        model = unwrap_model(runner.model)
        averages = any(isinstance(m, BaseAveragedModel) for m in model.modules())
        if averages and not isinstance(model, StudentTeacher | MoCo):
            runner.logger.warning(
                f'{type(model).__name__} moves its averaged weights in each of the '
                f'{passes_per_step(runner)} passes of a step, unlike a batch of that '
                'size; set optim_wrapper.accumulative_counts=1.'
            )


@HOOKS.register_module()
class ParamSchedulerHook(MMParamSchedulerHook):
    """Step schedules when the optimizer has stepped.

    mmengine's hook counts passes. Here schedules that a config gives in iterations
    count steps of the optimizer, as recipes do, those that are converted from epochs
    take one step per pass, but after the last one. In runs by iteration all count
    passes, as ``max_iters`` does. Without accumulation nothing differs. The runner puts
    it in the place of mmengine's.
    """

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Step, once the optimizer has."""
        passes = passes_per_step(runner)
        if passes == 1:
            super().after_train_iter(runner, batch_idx, data_batch, outputs)
        elif runner.optim_wrapper.should_update():
            inner: Any = runner.optim_wrapper.inner_count
            step_by_iteration(schedules_by_iteration(runner), inner % passes or passes)


def schedules_by_iteration(runner: Any) -> list[tuple[Any, bool]]:
    """Return the schedules that follow iterations, and whether those are steps."""
    return [
        (schedule, counts)
        for schedule, counts in zip(
            runner.param_schedulers or (), count_steps(runner), strict=True
        )
        if not schedule.by_epoch
    ]


def step_by_iteration(schedules: list[tuple[Any, bool]], passes: int) -> None:
    """Let schedules follow one step of the optimizer of so many passes."""
    for schedule, counts_steps in schedules:
        for _ in range(1 if counts_steps else passes):
            schedule.step()


def count_steps(runner: Any) -> list[bool]:
    """Tell of each schedule whether it counts steps of the optimizer, not passes."""
    configs = runner.schedule_config
    configs = configs if isinstance(configs, list | tuple) else [configs]
    if isinstance(runner.train_loop, IterBasedTrainLoop) or None in configs:
        return [False] * len(runner.param_schedulers or ())
    return [not config.get('by_epoch', True) for config in configs]


def passes_per_step(runner: Any) -> int:
    """Return the passes of a step of the optimizer."""
    wrapper = getattr(runner, 'optim_wrapper', None)
    return getattr(wrapper, '_accumulative_counts', 1)


def accumulating_parts(model: Any) -> list[Passes]:
    """Return the parts of a model that are told about passes."""
    return [module for module in model.modules() if isinstance(module, Passes)]
