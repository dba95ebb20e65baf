"""Count windows that are read and rejected, over all loader workers."""

from collections.abc import Iterable
from typing import Any

import torch
from torch.utils.data import get_worker_info

# A loader with more workers shares the last row, at the cost of a few lost counts.
ROWS = 129


class SamplingStats:
    """Count in loader workers, read in the main process.

    They lie in shared memory, one row per worker, so nothing travels with the samples
    and no worker waits for another.

    Args:
        names: What is counted.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        self._table = torch.zeros(ROWS, len(self.names), dtype=torch.int64)
        self._table.share_memory_()
        self._rows = self._table.numpy()

    def __getstate__(self) -> dict[str, Any]:
        return dict(names=self.names, _table=self._table)

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._rows = self._table.numpy()

    def add(self, name: str) -> None:
        """Count one, in this process."""
        info = get_worker_info()
        row = 0 if info is None else min(info.id + 1, ROWS - 1)
        self._rows[row, self.names.index(name)] += 1

    def total(self) -> torch.Tensor:
        """Return the counts of all workers of this process, in order of ``names``."""
        return self._table.sum(dim=0)

    def to_dict(self) -> dict[str, int]:
        """Return the counts by name."""
        return dict(zip(self.names, self.total().tolist(), strict=True))
