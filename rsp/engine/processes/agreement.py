"""Let processes agree on a step at which all of them stop."""

from typing import Any

import torch
from mmengine.dist import all_reduce
from torch import distributed as dist


class Agreement:
    """Tell whether any process wished something, at the same call on all of them.

    The answer is that of the call before: its all-reduce runs beside a whole step, so
    that no process waits for another, and a GPU has the next step queued already when
    its answer is read.
    """

    def __init__(self) -> None:
        self._flag: torch.Tensor | None = None
        self._work: Any = None
        self._event: Any = None

    def ask(self, wish: bool) -> bool:
        """Tell this process's wish; return whether any had one a call ago.

        All processes call it equally often. Once they agree, nothing is sent anymore.

        Args:
            wish: Whether this process wants to stop.
        """
        if not (dist.is_available() and dist.is_initialized()):
            return wish
        if dist.get_world_size() == 1:
            return wish
        agreed = self._answer()
        if not agreed:
            self._send(wish)
        return agreed

    def _send(self, wish: bool) -> None:
        if 'gloo' in dist.get_backend():
            self._flag = torch.full((1,), int(wish))
            self._work = dist.all_reduce(self._flag, dist.ReduceOp.MAX, async_op=True)
            return
        flag = torch.full((1,), int(wish), device=torch.cuda.current_device())
        dist.all_reduce(flag, dist.ReduceOp.MAX)
        self._flag = torch.empty(1, dtype=flag.dtype, pin_memory=True)
        self._flag.copy_(flag, non_blocking=True)
        self._event = torch.cuda.Event()
        self._event.record()

    def _answer(self) -> bool:
        if self._flag is None:
            return False
        if self._work is not None:
            self._work.wait()
        else:
            self._event.synchronize()
        return bool(self._flag.item())


def on_any_rank(flag: bool) -> bool:
    """Tell whether a flag is set on any process; waits for all of them."""
    value = torch.tensor(float(flag))
    all_reduce(value, 'max')
    return bool(value)
