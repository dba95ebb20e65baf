"""Begin to iterate a loader at one of its batches, without loading those before."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from mmengine.dataset import DefaultSampler, InfiniteSampler
from torch.utils.data import BatchSampler, DataLoader, IterableDataset

from rsp.datasets.samplers import PairedBatchSampler


def skip_batches(loader: DataLoader, batches: int) -> bool:
    """Let the next iteration of a loader begin at its batch number ``batches``.

    Before its workers start: what is left out is never asked for. Later iterations
    begin at the beginning.

    Args:
        loader: Not iterated yet.
        batches: From the beginning of the epoch that is set; with a sampler that never
            ends, from the beginning of the run.

    Returns:
        False for a data set without indices, whose batches can only be loaded.
    """
    if not batches:
        return True
    if loader.batch_sampler is None or isinstance(loader.dataset, IterableDataset):
        return False
    batch_sampler: Any = loader.batch_sampler
    sampler = sampler_of(loader)
    # Others, such as those that group images by their shape, need not take
    # `batch_size` numbers for each batch.
    counts = type(batch_sampler) in (BatchSampler, PairedBatchSampler)
    if counts and hasattr(sampler, 'skip'):
        sampler.skip(batches * batch_sampler.batch_size)
    else:
        # torch guards the attribute, since a running iterator would not notice.
        later = LaterBatches(batch_sampler, batches)
        object.__setattr__(loader, 'batch_sampler', later)
    return True


class LaterBatches:
    """Leave out the first batches of a batch sampler, once.

    Args:
        batch_sampler: Any; its other attributes are reached through this.
        batches: How many.
    """

    def __init__(self, batch_sampler: Any, batches: int) -> None:
        self.batch_sampler, self.batches = batch_sampler, batches

    def __iter__(self) -> Iterator[Any]:
        batches, self.batches = self.batches, 0
        yield from islice(self.batch_sampler, batches, None)

    def __len__(self) -> int:
        return len(self.batch_sampler)

    def __getattr__(self, name: str) -> Any:
        if name == 'batch_sampler':  # not there yet, e.g. while a worker unpickles
            raise AttributeError(name)
        return getattr(self.batch_sampler, name)


def sampler_of(loader: DataLoader) -> Any:
    """Return the sampler that draws the items, also below a batch sampler."""
    return getattr(loader.batch_sampler, 'sampler', loader.sampler)


def has_epochs(loader: DataLoader) -> bool:
    """True if the sampler of a loader ends after each epoch."""
    if isinstance(loader.dataset, IterableDataset):
        return False
    sampler = sampler_of(loader)
    endless = hasattr(sampler, 'skip') and not isinstance(sampler, DefaultSampler)
    return not (endless or isinstance(sampler, InfiniteSampler))
