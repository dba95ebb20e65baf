"""Shuffle keys over ranks, so that batch norm cannot leak the positives."""

import torch
from mmengine.dist import all_gather, broadcast, get_rank, get_world_size
from torch import Tensor


@torch.no_grad()
def shuffle(views: Tensor, alone: bool = False) -> tuple[Tensor, Tensor | None]:
    """Redistribute the views of all ranks in random order.

    Shuffling BN of MoCo, https://arxiv.org/abs/1911.05722, Sec. 3.3: with the
    statistics of its own batch, a key could be told from the negatives. Like
    mmpretrain's, but the order is drawn on the device (no host synchronization),
    and one process alone does nothing: its batch norm sees the same batch in any
    order. So does synchronized batch norm: with it shuffling changes no number.

    Args:
        views: This rank's views, shape (N, ...); every rank brings the same N.
        alone: Whether one process alone shuffles, too.

    Returns:
        The views this rank encodes, shape (N, ...), and the order of all W * N
        views, shape (W * N,), that :func:`unshuffle` needs; None in one process.
    """
    world_size = get_world_size()
    if world_size == 1 and not alone:
        return views, None
    device = views.device.type
    if world_size > 1 and torch.is_autocast_enabled(device):
        # As the first layer would do, so that half as many bytes travel.
        views = views.to(torch.get_autocast_dtype(device))
    gathered = torch.cat(all_gather(views))
    order = torch.randperm(len(gathered), device=views.device)
    broadcast(order, src=0)
    return gathered[order.view(world_size, -1)[get_rank()]], order


@torch.no_grad()
def unshuffle(keys: Tensor, order: Tensor | None) -> Tensor:
    """Bring the keys back to the rank and place of their views.

    Args:
        keys: Keys of the views this rank encoded, shape (N, D).
        order: What :func:`shuffle` returned.

    Returns:
        Keys of this rank's own views, shape (N, D).
    """
    if order is None:
        return keys
    gathered = torch.cat(all_gather(keys))
    mine = order.argsort().view(get_world_size(), -1)[get_rank()]
    return gathered[mine]
