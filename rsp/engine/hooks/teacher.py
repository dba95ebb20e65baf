"""Update the teacher of a model after the student has moved."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from rsp.engine.distributed import unwrap_model
from rsp.engine.hooks.non_finite import skipped_last_step
from rsp.errors import UserError
from rsp.ops.schedules import milestones_reached
from rsp.registry import HOOKS

# Kept in the message hub, and so in every checkpoint.
LEARNED, REACHED = 'learned_images', 'teacher_milestones'


@HOOKS.register_module()
class TeacherHook(Hook):
    """Update ``model.teacher`` after every step of the optimizer, or at milestones.

    A hook, because DistributedDataParallel bypasses a model's own ``train_step``. With
    accumulated gradients it waits until the optimizer has stepped. A step that
    `rsp.NonFiniteHook` skipped is none.

    With ``milestones`` the teacher moves after the first step that starts once so many
    images were learned from: those of all processes and of accumulated passes count, so
    that batch size and number of processes leave the schedule alone. The count is in
    the checkpoints, and a resumed run goes on with it, even with another batch size.

    A model whose ``teacher`` is None does without, and so does the hook.

    Args:
        milestones: Numbers of images, rising; after the last one, every multiple of it
            is one more. None updates after every step. GeoKR's official code, whose
            steps 1, 501, 10501, 20501, 30501, 61001, ... of 16 images (or 1, 1001,
            21001, ... of 8) have updates: ``(0, 8000, 168000, 328000, 488000)``.
    """

    # Before checkpoints and pictures, which should see the updated teacher.
    priority = 'HIGH'

    def __init__(self, milestones: Sequence[int] | None = None) -> None:
        if milestones is not None and not _is_rising(milestones):
            raise UserError(
                "expected 'milestones' of rsp.TeacherHook as rising numbers of images, "
                f'the last one above 0, got {milestones!r}; leave them out to update '
                'after every step.'
            )
        self.milestones = milestones
        self.pending = 0

    def before_train(self, runner: Runner) -> None:
        """Refuse a model without a teacher; begin to count, unless resumed.

        Raises:
            UserError: If there is none.
        """
        model = unwrap_model(runner.model)
        if not (hasattr(model, 'teacher') and hasattr(model, 'student')):
            raise UserError(
                f'rsp.TeacherHook expects a model with student and teacher, got '
                f'{type(model).__name__}; remove the hook from custom_hooks.'
            )
        self.pending = 0
        if self.milestones is not None and runner.iter == 0:
            # An earlier run of this process may have had the same name.
            runner.message_hub.update_info(LEARNED, 0)
            runner.message_hub.update_info(REACHED, 0)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict[str, Any] | None = None,
    ) -> None:
        """Update, if the optimizer has just stepped and a milestone asks for it."""
        stepped = runner.optim_wrapper.should_update()
        if self.milestones is not None:
            self.pending += count_images(data_batch) * runner.world_size
        if not stepped:
            return
        if skipped_last_step(runner):
            self.pending = 0
            return
        model = unwrap_model(runner.model)
        if model.teacher is None:
            return
        for _ in range(self._updates(runner)):
            model.teacher.update_parameters(model.student)

    def _updates(self, runner: Runner) -> int:
        """Return the updates due after this step of the optimizer; move the count."""
        if self.milestones is None:
            return 1
        hub = runner.message_hub
        before = hub.get_info(LEARNED, 0)
        previous = hub.get_info(REACHED, 0)
        reached = milestones_reached(before, self.milestones)
        hub.update_info(LEARNED, before + self.pending)
        hub.update_info(REACHED, reached)
        self.pending = 0
        return reached - previous


def count_images(data_batch: Any) -> int:
    """Count images of a batch: one tensor, a list of single ones, or of views."""
    inputs = data_batch['inputs']
    if isinstance(inputs, Tensor):
        return len(inputs)
    views = inputs[0].ndim == 4
    return len(inputs[0]) if views else len(inputs)


def _is_rising(milestones: Sequence[int]) -> bool:
    return (
        len(milestones) > 0
        and all(a < b for a, b in pairwise(milestones))
        and milestones[0] >= 0
        and milestones[-1] > 0
    )
