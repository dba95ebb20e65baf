"""Locate the patches of feature maps in the image and match them between crops."""

import torch
from torch import Tensor

from rsp.ops import check
from rsp.ops.precision import upcast


def patch_centers(
    box: tuple[int, int, int, int], flipped: bool, grid: tuple[int, int]
) -> Tensor:
    r"""Compute the centers of a crop's patches, in pixels of the uncropped image.

    .. math::
        (i + (k + 0.5) \, a / h,\; j + (l + 0.5) \, b / w) \quad\text{(unnumbered)}

    for the patch in row k and column l of h x w, and a crop of a x b pixels whose top
    left corner is at (i, j); a flip mirrors the columns. CMID,
    https://arxiv.org/abs/2304.09670.

    Args:
        box: Top, left, height and width of the crop, in pixels of the image.
        flipped: Whether the crop was mirrored left to right.
        grid: h, w, patches per column and row.

    Returns:
        Shape (h, w, 2), float32: row and column in pixels.
    """
    boxes = torch.tensor([box], dtype=torch.float64)
    return batch_patch_centers(boxes, torch.tensor([flipped]), grid)[0]


def batch_patch_centers(
    boxes: Tensor, flipped: Tensor, grid: tuple[int, int]
) -> Tensor:
    """Compute the centers of the patches of many crops, see `patch_centers`.

    Args:
        boxes: Top, left, height and width, shape (N, 4), float64.
        flipped: Which were mirrored, shape (N,), bool.
        grid: h, w.

    Returns:
        Shape (N, h, w, 2), float32.
    """
    # The official code takes i and j as fractions of the image here, which puts all
    # its crops into the top left corner.
    top, left, height, width = boxes[..., None].unbind(1)  # each (N, 1)
    rows = top + (torch.arange(grid[0], dtype=torch.float64) + 0.5) * height / grid[0]
    columns = left + (torch.arange(grid[1], dtype=torch.float64) + 0.5) * (
        width / grid[1]
    )
    columns = torch.where(flipped[:, None], columns.flip(1), columns)
    shape = (len(boxes), *grid)
    centers = rows[:, :, None].expand(shape), columns[:, None].expand(shape)
    return torch.stack(centers, dim=-1).float()


@torch.no_grad()
def match(source: Tensor, target: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Pair the patches of one crop that lie nearest to patches of another.

    Every patch of the first crop takes its nearest one of the second, several may take
    the same; the ``count`` pairs of smallest distance stay. Of equal distances the
    first counts. CMID, https://arxiv.org/abs/2304.09670.

    Args:
        source: Centers, shape (N, L, 2), in pixels.
        target: Centers, shape (N, M, 2), in pixels of the same image.
        count: Pairs to keep, 1 to L; -1 keeps all.

    Returns:
        Indices of the kept patches of the first crop, rising, and of their partners in
        the second, both of shape (N, count).

    Raises:
        UserError: If ``count`` exceeds the number of patches.
    """
    count = source.shape[1] if count == -1 else count
    check.between("'num_matches' (at most one per patch)", count, 1, source.shape[1])
    # Exact differences: beyond 25 points torch.cdist takes a matrix product.
    difference = upcast(source)[:, :, None] - upcast(target)[:, None]  # (N, L, M, 2)
    distance, partner = nearest(difference.square().sum(dim=-1))
    order = distance.sort(dim=1, stable=True).indices
    kept = order[:, :count].sort(dim=1).values
    return kept, partner.gather(1, kept)


def nearest(distance: Tensor) -> tuple[Tensor, Tensor]:
    """Find the smallest distance of each row and its first position.

    Args:
        distance: Shape (N, L, M).

    Returns:
        Distances and positions, both of shape (N, L).
    """
    # min() may return any of several equal ones, so positions are compared instead.
    smallest = distance.amin(dim=2, keepdim=True)
    positions = torch.arange(distance.shape[2], device=distance.device)
    first = torch.where(distance == smallest, positions, distance.shape[2]).amin(dim=2)
    return smallest.squeeze(2), first


def gather(features: Tensor, indices: Tensor) -> Tensor:
    """Collect the features of given patches, one row each.

    Args:
        features: Map, shape (N, C, h, w).
        indices: Patches in raster order, shape (N, M).

    Returns:
        Shape (N * M, C), image by image.
    """
    rows = features.flatten(2).transpose(1, 2)  # (N, hw, C)
    chosen = rows.gather(1, indices[..., None].expand(-1, -1, rows.shape[2]))
    return chosen.flatten(0, 1)
