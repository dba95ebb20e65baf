"""Define the interface between samplers and data sets."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from rsp.errors import UserError


class SampleIndex(NamedTuple):
    """Name the samples of one item, and seed it.

    Attributes:
        indices: Sample numbers, those of the first source first.
        seed: Seed of all that is random about the item, 0 to 2**32 - 1.
    """

    indices: tuple[int, ...]
    seed: int


class BatchShape(NamedTuple):
    """Store the size of a batch.

    Attributes:
        items: Per process.
        processes: World size.
    """

    items: int
    processes: int


def checked(sample: Any) -> SampleIndex:
    """Return an index that a sampler drew; refuse any other.

    Raises:
        UserError: If it is a number, as other samplers draw.
    """
    if not isinstance(sample, SampleIndex):
        raise UserError(
            f'expected an index drawn by the sampler, got {sample!r}; samples and '
            "seeds come from it: set sampler=dict(type='rsp.PairedSampler') in the "
            'data loader.'
        )
    return sample


@runtime_checkable
class SampleSource(Protocol):
    """Draw the own samples of a data set, alone or in a ``rsp.PairedDataset``."""

    @property
    def is_batched(self) -> bool:
        """True if samples are arranged in batches, and must not be shuffled."""

    def __len__(self) -> int:
        """Count the items of an epoch."""

    def sample_indices(
        self,
        rng: np.random.Generator,
        batch: BatchShape | None = None,
        num_items: int | None = None,
        per_item: int = 1,
    ) -> np.ndarray:
        """Draw the samples of an epoch.

        Args:
            rng: Generator of the epoch.
            batch: Where known.
            num_items: How many at least; None for ``len(self)``.
            per_item: Samples per item.

        Returns:
            Shape (items, per_item), int64; more items if whole batches are filled, then
            batch by batch, the items of the first process first.
        """

    def prefetch(self, indices: Sequence[int]) -> None:
        """Begin to read the samples that will be asked for next."""


def prefetch(source: Any, indices: Sequence[int]) -> None:
    """Let a data set prefetch samples, if it can."""
    if isinstance(source, SampleSource):
        source.prefetch(indices)
