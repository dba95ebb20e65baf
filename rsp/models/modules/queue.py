"""Store the keys that serve as negatives."""

import torch
from mmengine.dist import all_gather
from torch import Tensor, nn
from torch.nn import functional as F

from rsp.errors import UserError
from rsp.models.modules.passes import Passes
from rsp.ops import check
from rsp.registry import MODELS


class OverwritesOldest:
    """Write keys over the oldest columns of a queue, and put those back if asked to.

    A step that is left out is undone without a copy of the whole queue.

    Attributes:
        queue_name: Buffer that holds the keys, shape (D, L).
        overwritten: Places and former columns of what was written since it was set to
            an empty list, oldest first; None remembers nothing.
    """

    queue_name: str
    overwritten: list[tuple[Tensor, Tensor]] | None = None

    @torch.no_grad()
    def overwrite_oldest(self, ptr: Tensor, keys: Tensor) -> None:
        """Write keys over the oldest columns, in place.

        Args:
            ptr: Column that is overwritten next, shape (1,), int64; moved on.
            keys: Shape (N, D), N at most L.
        """
        feats: Tensor = getattr(self, self.queue_name)
        length = feats.shape[1]
        # Wraps around, where the official code of GeRSP demands a divisible length.
        slots = (ptr + torch.arange(len(keys), device=keys.device)) % length
        if self.overwritten is not None:
            self.overwritten.append((slots, feats.index_select(1, slots)))
        feats.index_copy_(1, slots, keys.T.to(feats.dtype))
        ptr.copy_((ptr + len(keys)) % length)

    @torch.no_grad()
    def put_back(self) -> None:
        """Write the remembered columns where they were, the latest first."""
        feats: Tensor = getattr(self, self.queue_name)
        for slots, columns in reversed(self.overwritten or []):
            feats.index_copy_(1, slots, columns)


@MODELS.register_module()
class FeatureQueue(OverwritesOldest, Passes, nn.Module):
    """Store the latest keys of all ranks, first in, first out.

    The queue of momentum contrast, https://arxiv.org/abs/1911.05722, Sec. 3.2.
    It takes any batch size up to its length. The keys of accumulated passes are stored
    together, after the last one.

    Args:
        dim: D, size of a key.
        length: L, number of keys it holds.

    Shape of state: ``feats`` (D, L) with unit columns, random directions at the
    start; ``ptr`` (1,), int64, the column that is overwritten next.
    """

    queue_name = 'feats'
    feats: Tensor
    ptr: Tensor

    def __init__(self, dim: int, length: int) -> None:
        super().__init__()
        check.positive("'dim' of the queue", dim)
        check.positive("'length' of the queue", length)
        # Columns of length 1; CMID's official code normalizes rows, which starts its
        # keys at about 1/16 of that.
        self.register_buffer('feats', F.normalize(torch.randn(dim, length), dim=0))
        self.register_buffer('ptr', torch.zeros(1, dtype=torch.long))

    @property
    def length(self) -> int:
        """Return L, the number of keys the queue holds."""
        return self.feats.shape[1]

    def negatives(self) -> Tensor:
        """Copy all keys.

        Returns:
            Shape (D, L), without gradient.
        """
        # A snapshot: push() writes in place before the backward pass reads it.
        return self.feats.clone()

    @torch.no_grad()
    def push(self, keys: Tensor) -> None:
        """Overwrite the oldest keys with those of all ranks, in rank order.

        Args:
            keys: This rank's keys, shape (N, D); every rank brings the same N.

        Raises:
            UserError: If the keys of all ranks outnumber the queue.
        """
        # Gathered once; CMID's official code gathers twice and stores keys W times.
        self.held = (*self.held, *all_gather(keys))
        if not self.is_last_pass:
            return
        keys, self.held = torch.cat(self.held), ()
        self.check_fits(len(keys))
        self.overwrite_oldest(self.ptr, keys)

    def check_fits(self, global_batch: int) -> None:
        """Refuse more keys per step than the queue holds.

        Args:
            global_batch: Keys of one step on all ranks together.

        Raises:
            UserError: If they outnumber the queue.
        """
        if global_batch > self.length:
            raise UserError(
                f'{global_batch} keys per step do not fit a queue of {self.length}; '
                "lower the batch size or raise 'length' of the queue."
            )

    def extra_repr(self) -> str:
        """Return the sizes for printing."""
        return f'dim={self.feats.shape[0]}, length={self.length}'
