"""Turn values into shares of their range, and those into what a network expects."""

import torch
from torch import Tensor


def to_shares(images: Tensor, limits: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Return floats as shares of their range; bytes stay bytes.

    Args:
        images: Shape (N, B, h, w), uint8 or float.
        limits: Black and white of floats, shape (N, 2) or (N, B, 2); None leaves them.

    Returns:
        The images; black and the distance to white, each (N or 1, B or 1, 1, 1).
    """
    low = torch.zeros(1, 1, 1, 1, device=images.device)
    if images.dtype == torch.uint8:
        return images, low, low + 255
    if limits is None:
        return images.float(), low, low + 1
    low, high = limits.float().reshape(len(limits), -1, 2, 1, 1).unbind(2)
    return (images - low) / (high - low), low, high - low


def standardize(
    views: Tensor,
    low: Tensor,
    span: Tensor,
    mean: Tensor | None = None,
    std: Tensor | None = None,
    reverse: bool = False,
    memory_format: torch.memory_format = torch.contiguous_format,
) -> Tensor:
    r"""Compute :math:`(l + s v - \mu) / \sigma` in one pass.

    Args:
        views: Shares v, shape (V * N, B, H, W), view by view; any float type.
        low: l of each image, see `to_shares`.
        span: s likewise.
        mean: Per band, in units of the images, after the reversal, shape (B, 1, 1);
            None leaves mean and deviation.
        std: Likewise.
        reverse: Whether the order of the bands is reversed.
        memory_format: Of the result.

    Returns:
        The same shape, float32.
    """
    if reverse:
        views, low, span = views.flip(1), low.flip(1), span.flip(1)
    if mean is not None and std is not None:
        low, span = (low - mean) / std, span / std
    if len(low) > 1:
        low, span = (x.repeat(len(views) // len(low), 1, 1, 1) for x in (low, span))
    result = torch.empty(
        views.shape, dtype=torch.float32, device=views.device,
        memory_format=memory_format,
    )  # fmt: skip
    return torch.addcmul(low, views, span, out=result)
