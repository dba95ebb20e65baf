"""Hand the values of a step to the log, and leave them on the device."""

from typing import Any

from mmengine.hooks import RuntimeInfoHook as MMRuntimeInfoHook
from mmengine.logging import HistoryBuffer, MessageHub
from mmengine.runner import Runner
from torch import Tensor

from rsp.engine.logs.history import History
from rsp.registry import HOOKS


@HOOKS.register_module()
class RuntimeInfoHook(MMRuntimeInfoHook):
    """Record learning rate, losses and metrics of each step.

    As mmengine's, but tensors stay on the device until a log line, a picture or a
    checkpoint wants them (`History`): no step waits to be logged. The runner puts it in
    the place of mmengine's.
    """

    priority = 'VERY_HIGH'

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict[str, Any] | None = None,
    ) -> None:
        """Record the outputs of the model."""
        hub = runner.message_hub
        for name, value in (outputs or {}).items():
            key = f'train/{name}'
            if isinstance(value, Tensor) and value.numel() == 1:
                _history(hub, key).update(value)
            else:
                hub.update_scalar(key, value)

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Record iteration and learning rates."""
        scalars = runner.message_hub.log_scalars
        for key, buffer in scalars.items():
            # Those that others made since, e.g. times: adding to them costs less, too.
            if type(buffer) is HistoryBuffer and key.startswith('train/'):
                scalars[key] = History(buffer)
        super().before_train_iter(runner, batch_idx, data_batch)


def _history(hub: MessageHub, key: str) -> History:
    """Return the history of a name, made or converted if need be."""
    scalars = hub.log_scalars
    buffer = scalars.get(key)
    if not isinstance(buffer, History):
        # Saved with checkpoints, as all values of training.
        hub._set_resumed_keys(key, True)
        scalars[key] = buffer = History(buffer or HistoryBuffer())
    return buffer
