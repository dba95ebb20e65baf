"""End an epoch of a loader when wanted, as its sampler would."""

from collections.abc import Iterator
from typing import Any

from torch.utils.data import DataLoader

from rsp.engine.resume.skipping import has_epochs


class EndableBatches:
    """Stop giving batches once `ended` is set; workers then run dry as they do.

    Args:
        batch_sampler: Any; its other attributes are reached through this.
    """

    def __init__(self, batch_sampler: Any) -> None:
        self.batch_sampler = batch_sampler
        self.ended = False

    def __iter__(self) -> Iterator[Any]:
        self.ended = False
        for batch in self.batch_sampler:
            yield batch
            if self.ended:
                return

    def __len__(self) -> int:
        return len(self.batch_sampler)

    def __getattr__(self, name: str) -> Any:
        if name == 'batch_sampler':  # not there yet, e.g. while a worker unpickles
            raise AttributeError(name)
        return getattr(self.batch_sampler, name)


def make_endable(loader: DataLoader) -> EndableBatches | None:
    """Let the epochs of a loader, not iterated yet, be ended; None if it has none.

    A sampler without end does not begin again once its iterator was dropped.
    """
    if loader.batch_sampler is None or not has_epochs(loader):
        return None
    batches = EndableBatches(loader.batch_sampler)
    # torch guards the attribute, since a running iterator would not notice.
    object.__setattr__(loader, 'batch_sampler', batches)
    return batches


def prefetched(loader: DataLoader) -> int:
    """Return the batches that the workers of a loader are ahead at most."""
    return loader.num_workers * (loader.prefetch_factor or 0)
