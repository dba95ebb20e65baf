"""Change the colors of a batch of images on a device."""

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

# n of blue, green and red in `turn_hue`.
OFFSETS = (5.0, 1.0, 3.0)


def weighted_sum(values: Tensor, weights: Sequence[float]) -> Tensor:
    """Sum bands (N, C, H, W) times their weights to (N, 1, H, W)."""
    first, *others = values.chunk(values.shape[1], dim=1)
    total = first * weights[0]
    for band, weight in zip(others, weights[1:], strict=True):
        total.add_(band, alpha=weight)
    return total


def map_affinely(
    values: Tensor,
    gray: Tensor,
    own_share: Tensor,
    mean_share: Tensor,
    gray_share: Tensor | None = None,
) -> Tensor:
    r"""Compute :math:`\alpha v + \beta g + \gamma m`, m being the mean of g.

    Args:
        values: v, shape (N, C, H, W).
        gray: g, shape (N, 1, H, W), or the bands themselves, (N, C, H, W).
        own_share: Alpha, shape (N, 1 or C, 1, 1).
        mean_share: Gamma, of that shape.
        gray_share: Beta, shape (N, 1, 1, 1); None for 0.
    """
    rest = mean_share * gray.mean((2, 3), keepdim=True)
    if gray_share is not None:
        rest = torch.addcmul(rest, gray, gray_share)
    return torch.addcmul(rest, values, own_share)


def turn_hue(values: Tensor, turns: Tensor) -> Tensor:
    r"""Turn the hue of HSV.

    Of V, the lightest channel, C, its distance to the darkest, and hue h in sectors of
    60 degrees, counted from red, each channel is

    .. math::
        V - C \cdot \mathrm{clip}(|((n + h) \bmod 6) - 3| - 1,\ 0,\ 1),

    n being 3 for red, 1 for green and 5 for blue: colorsys in one expression.

    Args:
        values: Shape (N, 3, H, W): blue, green, red; shares of the range.
        turns: Of the circle, shape (N, 1, 1, 1); 0 leaves an image bit for bit.
    """
    blue, green, red = values.chunk(3, dim=1)
    top = values.amax(1, keepdim=True)
    chroma = top - values.amin(1, keepdim=True)
    from_green = (blue - red).add_(chroma, alpha=2)
    from_blue = (red - green).add_(chroma, alpha=4)
    arcs = torch.where(top == green, from_green, from_blue)
    arcs = torch.where(top == red, green - blue, arcs)
    # Of gray, arc and chroma are both 0.
    sectors = arcs.div_(chroma.clamp_min(torch.finfo(values.dtype).tiny))
    sectors = sectors.add_(6 * turns).remainder_(6)
    # Of places from 0 to 12, ||x - 6| - 3| is |(x mod 6) - 3|.
    places = (sectors + _offsets(values.dtype, values.device)).abs_().sub_(3).abs_()
    turned = torch.addcmul(top + chroma, chroma, places.clamp_(1, 2), value=-1)
    return torch.where(turns == 0, values, turned)


@lru_cache(maxsize=16)
def _offsets(dtype: torch.dtype, device: torch.device) -> Tensor:
    # Once, and without waiting for the copy.
    offsets = torch.tensor(OFFSETS, dtype=dtype).view(1, 3, 1, 1) - 6
    return offsets.to(device, non_blocking=True)
