"""Store logged values, and fetch them from the device when somebody reads them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from numpy.typing import NDArray
from torch import Tensor

# Values that nobody has read, before they are fetched all the same.
MOST_WAITING = 1000


class History(HistoryBuffer):
    """Store values as mmengine's ``HistoryBuffer``, tensors among them as they are.

    They reach the host together, in one copy, when somebody reads the history: to log
    it, to draw it, to save it. mmengine fetches each at once, which waits for the
    device, and copies the whole history for every value. Checkpoints hold mmengine's
    class.

    Args:
        buffer: The history so far.
    """

    def __init__(self, buffer: HistoryBuffer) -> None:
        self._waiting: list[tuple[Tensor | float, int]] = []
        values, counts = buffer.data
        super().__init__(max_length=buffer.max_length)
        self._log_history, self._count_history = values, counts

    def update(self, log_val: Tensor | float, count: int = 1) -> None:
        """Add a value; a tensor of one number is left where it is.

        Args:
            log_val: The value.
            count: Its weight in means.
        """
        if isinstance(log_val, Tensor):
            log_val = log_val.detach().reshape(())
        self._waiting.append((log_val, count))
        if len(self._waiting) >= MOST_WAITING:
            self._fetch()

    def current(self) -> Any:
        """Return the last value."""
        if self._waiting and not isinstance(self._waiting[-1][0], Tensor):
            return self._waiting[-1][0]
        return super().current()

    @property
    def _log_history(self) -> NDArray[Any]:
        self._fetch()
        return self._values

    @_log_history.setter
    def _log_history(self, values: NDArray[Any]) -> None:
        self._values = values

    @property
    def _count_history(self) -> NDArray[Any]:
        self._fetch()
        return self._counts

    @_count_history.setter
    def _count_history(self, counts: NDArray[Any]) -> None:
        self._counts = counts

    def _fetch(self) -> None:
        if not self._waiting:
            return
        values, counts = zip(*self._waiting, strict=True)
        self._waiting = []
        self._values = _append(self._values, numbers(values), self.max_length)
        self._counts = _append(self._counts, counts, self.max_length)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Save and copy as mmengine's class, which every loader of ours knows."""
        plain = HistoryBuffer(max_length=self.max_length)
        plain._log_history, plain._count_history = self.data
        return HistoryBuffer, (), plain.__getstate__()


def numbers(values: Sequence[Tensor | float]) -> list[float]:
    """Return values as numbers of the host; tensors of a kind are copied at once."""
    found: list[Any] = [*values]
    kinds: dict[tuple, list[int]] = {}
    for place, value in enumerate(values):
        if isinstance(value, Tensor):
            kinds.setdefault((value.device, value.dtype), []).append(place)
    for places in kinds.values():
        together = torch.stack([found[place] for place in places]).tolist()
        for place, number in zip(places, together, strict=True):
            found[place] = number
    return found


def _append(array: NDArray[Any], values: Sequence[float], most: int) -> NDArray[Any]:
    # An empty array, of floats, would make floats of whole numbers.
    return (np.append(array, values) if len(array) else np.array(values))[-most:]
