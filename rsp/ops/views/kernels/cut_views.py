"""Cut boxes of a batch of images and resize them, with antialiasing, on a device."""

import torch
from torch import Tensor

from rsp.ops import check
from rsp.ops.views.kernels.separable import filter_separably


def cut_views(
    images: Tensor,
    geometry: Tensor,
    size: tuple[int, int],
    cubic: bool = False,
    turned: bool = False,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Cut a box of each image, resize it, mirror and turn it.

    The weights of Pillow's resampling, as matrices: mirrors are in their order, and
    what lies beside a box has no weight, so that images of different sizes may stand in
    one tensor.

    Args:
        images: Shape (N, C, h, w), uint8, or float shares of the value range; numbers
            that are not finite spread over a view, even from beside its box.
        geometry: Rows of `Geometry.draw`, on the same device, shape (N, 7); boxes may
            have edges between pixels.
        size: Height and width of the views, pixels.
        cubic: Whether the filter is Keys' cubic with a = -0.5, not the triangle.
        turned: Whether any has a turn; only square views can.
        dtype: Of the products and the result.

    Returns:
        Shares of the range, 0 to 1, shape (N, C, *size); not rounded, and cut to the
        range only where a cubic overshoots bytes.
    """
    start, length = geometry[:, :2].float(), geometry[:, 2:4].float()
    mirrored, upside_down = (geometry[:, 4:6] > 0).unbind(1)
    turns = geometry[:, 6]
    if turned:
        # Mirrors of the axes in the order (rows, columns), then perhaps an exchange.
        upside_down = upside_down ^ (turns >= 2)
        mirrored = mirrored ^ ((turns >= 1) & (turns < 3))
    scale = 1 / 255 if images.dtype == torch.uint8 else 1.0
    axes = []
    for axis, flip, factor in ((0, upside_down, scale), (1, mirrored, 1.0)):
        weights = resize_weights(
            start[:, axis], length[:, axis], flip, images.shape[2 + axis], size[axis],
            cubic, dtype, factor,
        )  # fmt: skip
        axes.append(weights)
    views = filter_separably(images, axes[0], axes[1], dtype)
    if cubic and images.dtype == torch.uint8:
        views = views.clamp_(0, 1)
    if turned:
        check.equal('width of views that are turned', size[1], size[0], 'make it equal')
        views = torch.where((turns % 2 == 1)[:, None, None, None], views.mT, views)
    return views


def resize_weights(
    start: Tensor,
    length: Tensor,
    flip: Tensor,
    count: int,
    size: int,
    cubic: bool = False,
    dtype: torch.dtype = torch.float32,
    total: float = 1.0,
) -> Tensor:
    r"""Compute the share of every pixel of a line in every pixel of a resized part.

    .. math::
        w_{oj} \propto f\big((j + \tfrac12 - a - (o + \tfrac12)\, l / S) /
        \max(l / S, 1)\big)

    for the part of length l from a on, S pixels of the result, and f the triangle or
    Keys' cubic (IEEE TASSP 1981, doi:10.1109/TASSP.1981.1163711, Eq. 15); 0 outside of
    the part, and with the same sum over j.

    Args:
        start: a of each image, pixels, shape (N,).
        length: l of each image, pixels.
        flip: Whether the result runs backwards, bool.
        count: Pixels of a line.
        size: S.
        cubic: Which filter.
        dtype: Of the result.
        total: That sum.

    Returns:
        Shape (N, size, count).
    """
    start, length = start[:, None], length[:, None]
    step = length / size
    places = torch.arange(size, device=start.device) + 0.5
    places = torch.where(flip[:, None], size - places, places)
    pixels = torch.arange(count, device=start.device) + 0.5 - start  # (N, count)
    support = step.clamp_min(1)
    inside = ((pixels > -0.5) & (pixels < length + 0.5)).float()[:, None]
    # Few passes over what has this shape: it is as large as a view.
    distances = (pixels / support)[:, None] - (places * step / support)[:, :, None]
    distances.abs_()
    if cubic:
        weights = _cubic(distances) * inside
    else:
        weights = (1 - distances).clamp_(0 * inside, inside)
    shares = total / weights.sum(2, keepdim=True)
    result = torch.empty(weights.shape, dtype=dtype, device=weights.device)
    return torch.mul(weights, shares, out=result)


def _cubic(x: Tensor) -> Tensor:
    """Compute Keys' cubic at distances of 0 and more."""
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return torch.where(x < 1, near, far.mul_(x < 2))
