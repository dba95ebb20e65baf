"""Schedule numbers of a model over a run."""

from functools import partial
from operator import attrgetter
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from rsp.engine.distributed import unwrap_model
from rsp.engine.hooks.accumulation import passes_per_step
from rsp.errors import UserError
from rsp.ops import check, schedules
from rsp.ops.schedules import share_of_steps
from rsp.registry import HOOKS

SHAPES = dict(cosine=schedules.cosine, linear=schedules.linear)


@HOOKS.register_module()
class ValueScheduleHook(Hook):
    """Set a number of the model before every step, from epoch or iteration alone.

    It keeps no state, so a resumed run continues where it stopped.

    Args:
        target: Path of the number below the model, e.g. ``'teacher.momentum'``.
        shape: ``'cosine'`` over the whole run or ``'linear'`` over ``points``; see
            :mod:`rsp.ops.schedules`.
        start: First value.
        end: Last value.
        by_epoch: Whether it changes per epoch or per iteration, which is a step of the
            optimizer: accumulated passes of one have the same value.
        points: Values of a linear schedule, both ends included.
    """

    priority = 'NORMAL'

    def __init__(
        self,
        target: str,
        shape: str,
        start: float,
        end: float,
        by_epoch: bool = False,
        points: int | None = None,
    ) -> None:
        check.one_of(f"'shape' of the schedule of {target}", shape, SHAPES)
        if (shape == 'linear') != (points is not None):
            raise UserError(
                f"expected 'points' for a linear schedule and only for one, got "
                f'shape={shape!r}, points={points} for {target}.'
            )
        self.owner, _, self.name = target.rpartition('.')
        self.target, self.by_epoch = target, by_epoch
        self.shape, self.points = shape, points
        self.at = partial(SHAPES[shape], start=start, end=end)
        # Of a share of new values: steps of the recipe that one step stands for.
        self.exponent = 1.0

    def before_train(self, runner: Runner) -> None:
        """Refuse a target that the model lacks.

        Raises:
            UserError: If the model has no such number.
        """
        try:
            current = getattr(self._find_owner(runner), self.name)
        except AttributeError:
            current = None
        if not isinstance(current, int | float):
            raise UserError(
                f"expected a number at '{self.target}' of the model, got {current!r}; "
                "correct 'target' of rsp.ValueScheduleHook, or remove the hook."
            )

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Set the value of this epoch or iteration, and log it."""
        value = self.value(runner)
        setattr(self._find_owner(runner), self.name, value)
        runner.message_hub.update_scalar(f'train/{self.target}', value)

    def value(self, runner: Runner) -> float:
        """Return the value of the epoch or iteration that the run is in."""
        if self.by_epoch:
            step, total = runner.epoch, runner.max_epochs
        else:
            passes = passes_per_step(runner)
            step, total = runner.iter // passes, -(-runner.max_iters // passes)
        value = self.at(step, self.points or total)
        return value if self.exponent == 1 else share_of_steps(value, self.exponent)

    def _find_owner(self, runner: Runner) -> Any:
        model = unwrap_model(runner.model)
        return attrgetter(self.owner)(model) if self.owner else model
