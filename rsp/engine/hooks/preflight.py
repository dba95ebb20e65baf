"""Refuse a run that cannot work, before its first step."""

from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.nn.modules.batchnorm import _BatchNorm

from rsp.engine.auto_scale_lr import batch_size_of
from rsp.engine.distributed import unwrap_model
from rsp.errors import UserError
from rsp.registry import HOOKS


@HOOKS.register_module()
class PreflightHook(Hook):
    """Ask the model whether it can train on the configured batches.

    Methods answer by an optional ``preflight(dataset, batch_size)``, which raises
    `UserError` with the numbers that do not fit; the batch size is that of a step of
    all processes.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        """Check batch size and data against the model.

        Raises:
            UserError: If batch norm would see a single image, or the method
                refuses.
        """
        model = unwrap_model(runner.model)
        loader = runner.train_dataloader
        batch_size = batch_size_of(loader)
        if batch_size == 1 and any(
            isinstance(module, _BatchNorm) for module in model.modules()
        ):
            raise UserError(
                'expected at least 2 images per process for batch norm, got '
                'train_dataloader.batch_size=1; raise it to 2 or more.'
            )
        if hasattr(model, 'preflight'):
            model.preflight(loader.dataset, batch_size * runner.world_size)
