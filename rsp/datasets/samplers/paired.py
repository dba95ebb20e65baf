"""Draw the items of an epoch, all from (seed, epoch)."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from mmengine.dataset import DefaultSampler
from numpy.typing import NDArray
from torch.utils.data import BatchSampler

from rsp.datasets.samplers.protocol import BatchShape, SampleIndex
from rsp.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class PairedSampler(DefaultSampler):
    """Draw order, samples and augmentation seeds of an epoch from (seed, epoch).

    Every rank draws the same epoch and takes its slice of each batch over all ranks, so
    that any number of ranks learns the same batches in the same order, as long as
    ranks times batch size stays. Without ``batch_size`` a rank takes each W-th item.
    The epoch is filled up to a multiple of the ranks by its first items.

    Args:
        dataset: ``rsp.PairedDataset``, ``rsp.SeededDataset`` or ``rsp.SceneDataset``;
            `rsp.PortableRunner` wraps any other in ``rsp.SeededDataset``.
        shuffle: Whether items come in random order.
        seed: The same on all ranks; None lets rank 0 draw one.
        round_up: Whether to fill up, so that all ranks get as many items.
        batch_size: Items of a batch per process; ``rsp.PairedBatchSampler`` sets it.
    """

    def __init__(
        self, *args: Any, batch_size: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.batch_size = batch_size
        self._skipped = 0

    def skip(self, num_samples: int) -> None:
        """Let the next iteration begin inside its epoch; nothing is loaded.

        mmengine's contract of resuming: absolute, counted per rank, called before the
        iteration. Those after it begin at the beginning again.

        Args:
            num_samples: Items of this rank to leave out.

        Raises:
            ValueError: If the epoch has fewer.
        """
        if not 0 <= num_samples <= self.num_samples:
            raise ValueError(
                f'expected 0 to {self.num_samples} samples to skip, got {num_samples}'
            )
        self._skipped = num_samples

    def set_length(self, num_items: int) -> None:
        """Give all epochs so many items over all ranks, rounded up to their number."""
        self.num_samples = math.ceil(num_items / self.world_size)
        self.total_size = self.num_samples * self.world_size

    def __iter__(self) -> Iterator[SampleIndex]:
        """Draw the epoch set by ``set_epoch``; yield this rank's items."""
        skipped, self._skipped = self._skipped, 0
        rng = np.random.default_rng((self.seed, self.epoch))
        batch = None
        if self.batch_size is not None:
            batch = BatchShape(self.batch_size, self.world_size)
        samples = self.dataset.sample_indices(rng, batch)
        order = np.arange(len(samples))
        if self.shuffle and not self.dataset.is_batched:
            rng.shuffle(order)
        order = np.resize(order, self.total_size)
        seeds = rng.integers(2**32, size=(self.total_size,))
        mine = self._places()[skipped:]
        for item, seed in zip(order[mine], seeds[mine], strict=True):
            yield SampleIndex(tuple(samples[item].tolist()), int(seed))

    def _places(self) -> NDArray[np.int64]:
        """Return this rank's places in the epoch of all ranks, rising."""
        places = np.arange(self.total_size)
        if self.batch_size is None:
            return places[self.rank :: self.world_size]
        whole = self.total_size - self.total_size % (self.world_size * self.batch_size)
        batches = places[:whole].reshape(-1, self.world_size, self.batch_size)
        last = np.array_split(places[whole:], self.world_size)[self.rank]
        return np.concatenate([batches[:, self.rank].ravel(), last])


@DATA_SAMPLERS.register_module()
class PairedBatchSampler(BatchSampler):
    """Group the items of a ``rsp.PairedSampler``, which learns the batch size.

    Which items meet in a batch has to be known to spread scenes over it, and to make it
    of the same items on any number of processes. As ``batch_sampler`` of a loader it
    gets sampler and batch size from mmengine.

    Args:
        sampler: Draws the items.
        batch_size: Items per batch and process.
        drop_last: Whether to leave out a last batch that is smaller.
    """

    def __init__(
        self, sampler: PairedSampler, batch_size: int, drop_last: bool = False
    ) -> None:
        super().__init__(sampler, batch_size, drop_last)
        sampler.batch_size = batch_size
