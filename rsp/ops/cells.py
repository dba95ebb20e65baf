"""Cells of feature maps: where they lie in the image, which of them match."""

import torch
from torch import Tensor

from rsp.errors import UserError


def centres(
    box: tuple[int, int, int, int], flipped: bool, cells: tuple[int, int]
) -> Tensor:
    r"""Centres of the cells of a crop, in pixels of the image it was cut from.

    .. math::
        (i + (k + 0.5) \, a / h,\; j + (l + 0.5) \, b / w)

    for the cell in row k and column l of h x w, and a crop of a x b pixels whose top
    left corner is at (i, j); a flip mirrors the columns.

    The official code takes i and j as fractions of the image, so that all its crops
    lie in the top left corner; here they are pixels.

    Args:
        box: Top, left, height and width of the crop, in pixels of the image.
        flipped: Whether the crop was mirrored left to right.
        cells: h, w, cells per column and row.

    Returns:
        Shape (h, w, 2), float32: row and column in pixels.
    """
    top, left, height, width = box
    rows = top + (torch.arange(cells[0], dtype=torch.float64) + 0.5) * height / cells[0]
    columns = left + (torch.arange(cells[1], dtype=torch.float64) + 0.5) * (
        width / cells[1]
    )
    if flipped:
        columns = columns.flip(0)
    grid = torch.meshgrid(rows, columns, indexing='ij')
    return torch.stack(grid, dim=-1).float()


@torch.no_grad()
def match(here: Tensor, there: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Pair the cells of one crop that lie nearest to cells of another.

    Every cell of the first crop takes its nearest cell of the second, several may take
    the same; the ``count`` pairs of smallest distance stay. Distances are exact
    differences in at least float32 (the shortcut by a matrix product, which
    ``torch.cdist`` takes beyond 25 points, is not); of equal ones the first counts.

    Args:
        here: Centres, shape (N, L, 2), in pixels.
        there: Centres, shape (N, M, 2), in pixels of the same image.
        count: Pairs to keep, at most L; -1 keeps all.

    Returns:
        Numbers of the kept cells of the first crop, rising, and of their partners in
        the second, both of shape (N, count).

    Raises:
        ValueError: If more pairs are wanted than there are cells.
    """
    count = here.shape[1] if count == -1 else count
    if not 1 <= count <= here.shape[1]:
        raise UserError(
            f'expected between 1 and {here.shape[1]} matches, one for each cell of the '
            f"map, got {count}; lower 'num_matches' of the model, or enlarge the "
            'images.'
        )
    full = torch.promote_types(here.dtype, torch.float32)
    difference = here.to(full)[:, :, None] - there.to(full)[:, None]  # (N, L, M, 2)
    distance, partner = nearest(difference.square().sum(dim=-1))
    order = distance.sort(dim=1, stable=True).indices
    kept = order[:, :count].sort(dim=1).values
    return kept, partner.gather(1, kept)


def nearest(distance: Tensor) -> tuple[Tensor, Tensor]:
    """Smallest distance of each row and where it is first found.

    ``min`` may return any of several equal ones.

    Args:
        distance: Shape (N, L, M).

    Returns:
        Distances and positions, both of shape (N, L).
    """
    smallest = distance.amin(dim=2, keepdim=True)
    positions = torch.arange(distance.shape[2], device=distance.device)
    first = torch.where(distance == smallest, positions, distance.shape[2]).amin(dim=2)
    return smallest.squeeze(2), first


def take(features: Tensor, cells: Tensor) -> Tensor:
    """The features of given cells, one row each.

    Args:
        features: Map, shape (N, C, h, w).
        cells: Cell numbers in raster order, shape (N, M).

    Returns:
        Shape (N * M, C), image by image.
    """
    rows = features.flatten(2).transpose(1, 2)  # (N, hw, C)
    chosen = rows.gather(1, cells[..., None].expand(-1, -1, rows.shape[2]))
    return chosen.flatten(0, 1)
