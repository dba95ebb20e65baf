"""Log what all processes saw, not only the first."""

from typing import Any

import torch
from mmengine.dist import get_comm_device, get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner

from rsp.registry import HOOKS


@HOOKS.register_module()
class MeanOverRanksHook(Hook):
    """Average the logged values of a training step over the processes.

    mmengine logs those of rank 0, e.g. a loss over an eighth of the batch. All values
    of a step travel in one ``all_reduce``. With one process nothing happens.
    """

    # After NonFiniteHook (0), which asks whose loss is not finite, and before
    # RuntimeInfoHook (10), which hands the values to the message hub.
    priority = 5

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict[str, Any] | None = None,
    ) -> None:
        """Replace the single numbers in ``outputs`` by their means, in place."""
        world_size = get_world_size()
        if world_size == 1 or not outputs:
            return
        # Sorted: every rank must send the same value in the same place.
        names = sorted(name for name, value in outputs.items() if _is_number(value))
        device = get_comm_device(torch.distributed.group.WORLD)
        values = torch.stack(
            [
                torch.as_tensor(outputs[name], dtype=torch.float64)
                .detach()
                .to(device)
                .reshape(())
                for name in names
            ]
        )
        torch.distributed.all_reduce(values)
        # Still on the device, where they wait to be logged.
        outputs.update(zip(names, (values / world_size).unbind(), strict=True))


def _is_number(value: Any) -> bool:
    if isinstance(value, torch.Tensor):
        return value.numel() == 1
    return isinstance(value, int | float)
