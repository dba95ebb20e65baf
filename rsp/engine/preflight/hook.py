"""Refuse a run that cannot work, before its first step."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from rsp.engine.auto_scale_lr import batch_size_of
from rsp.engine.distributed import unwrap_model
from rsp.engine.hooks.accumulation import passes_per_step
from rsp.engine.preflight import check_training
from rsp.engine.preflight.memory import refuse_large_batch
from rsp.models.modules.device_views import DeviceViews
from rsp.registry import HOOKS


@HOOKS.register_module()
class PreflightHook(Hook):
    """Ask the model whether it can train on the configured batches.

    ``rsp.PortableRunner`` asks by itself, earlier; this is for mmengine's runner. See
    `rsp.engine.preflight.check_training`.
    """

    priority = 'VERY_HIGH'
    saw_batch = False

    def before_train(self, runner: Runner) -> None:
        """Check batch size and data against the model.

        Raises:
            UserError: If an epoch has no step, batch norm would see a single image, or
                the method refuses.
        """
        if not getattr(runner, 'checks_training', False):
            check_training(
                runner.model,
                runner.train_dataloader,
                runner.world_size,
                passes_per_step(runner),
            )

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Check the size of the first batch against the memory of the machine.

        Raises:
            UserError: If it cannot fit.
        """
        if self.saw_batch:
            return
        self.saw_batch = True
        model = unwrap_model(runner.model)
        # Those get images as they were read, of which views are made.
        views = isinstance(getattr(model, 'data_preprocessor', None), DeviceViews)
        if not views:
            size = batch_size_of(runner.train_dataloader)
            refuse_large_batch(model, data_batch, size)
