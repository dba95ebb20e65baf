"""Compute the share of each cell of a grid inside a polygon."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Coordinates are rounded to this many decimals of a cell: a window on the grid itself
# then covers its cells exactly, despite the rounding errors of affine maps.
DECIMALS = 6


def cell_coverage(
    rings: Sequence[Array], shape: tuple[int, int]
) -> tuple[int, int, Array]:
    r"""Compute the share of each cell inside a polygon with straight edges.

    .. math::
        s_{ij} = |\text{cell}_{ij} \cap \text{polygon}| / |\text{cell}_{ij}|

    by Green's theorem: an edge, cut at the lines of the grid, adds to its cell the area
    between itself and the cell's right side, and its height to all cells right of it; a
    running sum along the row then gives the areas.

    Args:
        rings: Closed rings, each (V, 2) as x, y in cells; cell (i, j) is the square
            from (i, j) to (i + 1, j + 1). All outer rings run one way, holes the other.
        shape: Rows and columns of the grid.

    Returns:
        The first row, the first column and the shares, shape (h, w), of the part of the
        grid that the polygon's bounding box touches; 0 x 0 if it lies outside. Shares
        are 0 to 1, with an error of at most 1e-6 of the polygon's perimeter in cells.
    """
    rings = [np.round(ring, DECIMALS) for ring in rings]
    points = np.concatenate(rings) if rings else np.zeros((0, 2))
    if not len(points):
        return 0, 0, np.zeros((0, 0))
    left, top = np.maximum(np.floor(points.min(0)), 0).astype(int)
    right, bottom = np.minimum(np.ceil(points.max(0)), shape[::-1]).astype(int)
    width, height = right - left, bottom - top
    if width <= 0 or height <= 0:
        return 0, 0, np.zeros((0, 0))

    offset = np.array([left, top], float)
    start = np.concatenate([ring[:-1] for ring in rings]) - offset  # (E, 2)
    step = np.concatenate([np.diff(ring, axis=0) for ring in rings])
    x, y, rise = _split_at_lines(start, step, width, height)
    if np.sum(start[:, 0] * step[:, 1] - start[:, 1] * step[:, 0]) > 0:
        rise = -rise  # So that what lies right of a left side counts positive.

    row = np.floor(y).astype(int)
    inside = (row >= 0) & (row < height)
    # What lies left of the grid counts for the whole row, right of it for nothing.
    x, row, rise = np.clip(x[inside], 0, width), row[inside], rise[inside]
    column = np.minimum(np.floor(x).astype(int), width)
    within = rise * (column + 1 - x)
    size = width + 2  # One column for edges on the right side, one for their rest.
    flat = row * size + column
    areas = np.bincount(flat, within, height * size)
    areas += np.bincount(flat + 1, rise - within, height * size)
    shares = areas.reshape(height, size).cumsum(axis=1)[:, :width]
    # Sums of many pieces miss 0 and 1 by a few units in the last place.
    shares = np.round(shares, 9)
    return top, left, shares + 0.0


def _split_at_lines(
    start: Array, step: Array, width: int, height: int
) -> tuple[Array, Array, Array]:
    """Cut edges at the lines of a grid.

    Args:
        start: (E, 2), in cells.
        step: End minus start, (E, 2).
        width: Lines at x = 0 to ``width``.
        height: Lines at y = 0 to ``height``.

    Returns:
        Middle x, middle y and height of each piece, each shape (P,); a piece lies in
        one cell, or outside the grid.
    """
    edges, crossings = [], []
    for axis, length in ((0, width), (1, height)):
        ends = start[:, axis], start[:, axis] + step[:, axis]
        low = np.clip(np.ceil(np.minimum(*ends)), 0, length + 1).astype(int)
        high = np.clip(np.floor(np.maximum(*ends)), -1, length).astype(int)
        number = np.maximum(high - low + 1, 0)
        number[step[:, axis] == 0] = 0
        edge = np.repeat(np.arange(len(start)), number)
        first = np.repeat(number.cumsum() - number, number)
        line = low[edge] + np.arange(len(edge)) - first
        edges.append(edge)
        crossings.append((line - start[edge, axis]) / step[edge, axis])
    every = np.arange(len(start))
    edge = np.concatenate([every, every, *edges])
    along = np.concatenate([np.zeros(len(start)), np.ones(len(start)), *crossings])
    order = np.lexsort((along, edge))
    edge, along = edge[order], np.clip(along[order], 0, 1)
    same = edge[1:] == edge[:-1]
    edge, a, b = edge[:-1][same], along[:-1][same], along[1:][same]
    middle = start[edge] + step[edge] * ((a + b) / 2)[:, None]
    rise = step[edge, 1] * (b - a)
    kept = rise != 0
    return middle[kept, 0], middle[kept, 1], rise[kept]
