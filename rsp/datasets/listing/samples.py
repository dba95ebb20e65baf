"""Store what a data set knows of its samples in a few arrays."""

import os
from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np

from rsp.io.stores import PackedNames


class Samples(Sequence[dict[str, Any]]):
    """Store samples by column; takes the place of mmengine's list of dictionaries.

    That list, ten million long, takes 5 GB before mmengine serializes it, and a minute
    for that. Workers share these arrays, or get them by a file's name.

    Args:
        root: Folder of the images; empty for the current one.
        names: Of the images below it.
        columns: Further values by key, the first axis of each is that of the samples:
            ``gt_label``, ``gt_score``.
    """

    def __init__(self, root: str, names: PackedNames, **columns: np.ndarray) -> None:
        self.root, self.names, self.columns = root, names, columns

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, index: slice) -> 'Samples': ...

    def __getitem__(self, index: int | slice) -> Any:
        """Return a sample made anew, or some of them."""
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        row = range(len(self))[index]
        sample: dict[str, Any] = dict(img_path=os.path.join(self.root, self.names[row]))
        for key, values in self.columns.items():
            value = values[row]
            sample[key] = value.copy() if values.ndim > 1 else value.item()
        return sample

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[row] for row in range(len(self)))

    def take(self, rows: Sequence[int] | np.ndarray) -> 'Samples':
        """Return the samples of some places, in that order.

        Args:
            rows: Their numbers, from the end if negative.

        Raises:
            IndexError: If there are not so many.
        """
        places = np.arange(len(self))[np.asarray(rows, np.int64)]
        columns = {key: values[places] for key, values in self.columns.items()}
        return Samples(self.root, self.names.take(places), **columns)

    def with_columns(self, **columns: np.ndarray) -> 'Samples':
        """Return the samples with further columns."""
        return Samples(self.root, self.names, **self.columns, **columns)
