"""Draw the items of an epoch, all from (seed, epoch)."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from mmengine.dataset import DefaultSampler
from torch.utils.data import BatchSampler

from rsp.datasets.samplers.protocol import BatchShape, SampleIndex
from rsp.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class PairedSampler(DefaultSampler):
    """Draw order, samples and augmentation seeds of an epoch from (seed, epoch).

    Every rank draws the same epoch and takes each W-th item; the epoch is filled
    up to a multiple of the ranks by its first items.

    Args:
        dataset: ``rsp.PairedDataset``, ``rsp.SeededDataset`` or ``rsp.SceneDataset``;
            wrap any other data set in ``rsp.SeededDataset``.
        shuffle: Whether items come in random order.
        seed: The same on all ranks; None lets rank 0 draw one.
        round_up: Whether to fill up, so that all ranks get as many items.
        batch_size: Items of a batch per process, for scenes, which are spread over it;
            ``rsp.PairedBatchSampler`` sets it.
    """

    def __init__(
        self, *args: Any, batch_size: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.batch_size = batch_size

    def __iter__(self) -> Iterator[SampleIndex]:
        """Draw the epoch set by ``set_epoch``; yield this rank's items."""
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
        mine = slice(self.rank, self.total_size, self.world_size)
        for item, seed in zip(order[mine], seeds[mine], strict=True):
            yield SampleIndex(tuple(samples[item].tolist()), int(seed))


@DATA_SAMPLERS.register_module()
class PairedBatchSampler(BatchSampler):
    """Group the items of a ``rsp.PairedSampler``, which learns the batch size.

    Scenes can only be spread over a batch if it is known which items meet in it. As
    ``batch_sampler`` of a loader it gets sampler and batch size from mmengine.

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
