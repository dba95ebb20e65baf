"""Letting the teacher follow once the student has moved."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from rsp.registry import HOOKS


@HOOKS.register_module()
class TeacherHook(Hook):
    """Update ``model.teacher`` after every step of the optimiser.

    A hook, because DistributedDataParallel bypasses a model's own ``train_step``. With
    accumulated gradients it waits until the optimiser has stepped.
    """

    # Before checkpoints and pictures, which should see the updated teacher.
    priority = 'HIGH'

    def before_train(self, runner: Runner) -> None:
        """Refuse a model without a teacher.

        Raises:
            ValueError: If there is none.
        """
        model = bare(runner.model)
        if not (hasattr(model, 'teacher') and hasattr(model, 'student')):
            raise ValueError(
                f'rsp.TeacherHook expects a model with student and teacher, got '
                f'{type(model).__name__}; remove the hook from custom_hooks.'
            )

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict[str, Any] | None = None,
    ) -> None:
        """Follow, if the optimiser has just stepped."""
        if runner.optim_wrapper.should_update():
            model = bare(runner.model)
            model.teacher.update_parameters(model.student)


def bare(model: Any) -> Any:
    """The model without DistributedDataParallel."""
    return model.module if is_model_wrapper(model) else model
