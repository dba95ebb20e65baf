"""Refuse a run that cannot work, before its first step."""

from mmengine.hooks import Hook
from mmengine.runner import Runner

from rsp.engine.hooks.accumulation import passes_per_step
from rsp.engine.preflight import check_training
from rsp.registry import HOOKS


@HOOKS.register_module()
class PreflightHook(Hook):
    """Ask the model whether it can train on the configured batches.

    ``rsp.PortableRunner`` asks by itself, earlier; this is for mmengine's runner. See
    `rsp.engine.preflight.check_training`.
    """

    priority = 'VERY_HIGH'

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
