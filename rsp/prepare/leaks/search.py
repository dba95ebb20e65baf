"""Find pictures of one set among those of another, and windows of larger scenes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from rsp.prepare.leaks.signatures import (
    FLAT,
    FLAT_SHARE,
    SIDE,
    Cells,
    Signatures,
    hash_bits,
    normalize,
    orientations,
    read_gray,
)
from rsp.prepare.scan.perceptual_hash import distances

# Least correlation of cells, and most differing bits of 264, of a copy.
CORRELATION, BITS = 0.9, 70
# Pictures of one set compared with as many of the other at a time.
BLOCK = 2048
# Scenes must be larger than the pictures that are looked for in them.
LARGER = 1.2


class Copy(NamedTuple):
    """Hold a picture of the second set that is in the first one.

    Attributes:
        first: Row of the first set.
        second: Row of the second set.
        correlation: Of the cells, up to 1.
        bits: That differ, of 264.
    """

    first: int
    second: int
    correlation: float
    bits: int


def find_copies(first: Cells, second: Cells) -> list[Copy]:
    """Compare all pictures of two sets, in all orientations, the best of each pair.

    Exact: every pair is looked at, by a product of matrices, 2 * 8 * 144 operations.

    Args:
        first: Normalized cells, shape (N, `SIDE`, `SIDE`).
        second: The same, shape (M, `SIDE`, `SIDE`).
    """
    best: dict[tuple[int, int], Copy] = {}
    rows, hashes = _rows(first), hash_bits(first)
    for turned in orientations(second):
        columns, other = _rows(turned), hash_bits(turned)
        for one, two, score in _correlated(rows, columns):
            bits = distances(hashes[one], other[two])
            for place in np.flatnonzero(bits <= BITS):
                pair = int(one[place]), int(two[place])
                copy = Copy(*pair, float(score[place]), int(bits[place]))
                if pair not in best or copy.correlation > best[pair].correlation:
                    best[pair] = copy
    return sorted(best.values())


def _rows(cells: Cells) -> torch.Tensor:
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    flat = np.ascontiguousarray(cells.reshape(len(cells), -1), np.float32)
    return torch.from_numpy(flat).to(device)


def _correlated(
    rows: torch.Tensor, columns: torch.Tensor
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]]:
    """Yield rows, columns and correlation of pairs of at least `CORRELATION`."""
    for low in range(0, len(rows), BLOCK):
        for left in range(0, len(columns), BLOCK):
            product = rows[low : low + BLOCK] @ columns[left : left + BLOCK].T
            # Nearly all rows end here; listing places takes longer than the product.
            (near,) = torch.nonzero(product.amax(dim=1) >= CORRELATION, as_tuple=True)
            if not len(near):
                continue
            product = product[near]
            one, two = torch.nonzero(product >= CORRELATION, as_tuple=True)
            score = product[one, two].cpu().numpy()
            yield (near[one] + low).cpu().numpy(), (two + left).cpu().numpy(), score


def find_windows(
    files: Sequence[str],
    second: Signatures,
    watch: Callable[[Iterable, int], Iterable] = lambda items, count: items,
) -> list[Copy]:
    """Find pictures that were cut out of larger scenes, at the scenes' own scale.

    Windows of the median size of the pictures are looked at every half cell, 1/24 of
    their side, so that a cut at any pixel is at most a quarter of a cell from one.

    Args:
        files: The scenes; those that are not larger than the pictures are left out.
        second: The pictures, squares of about one size.
        watch: Wraps the walk, for a progress bar.
    """
    side = int(np.median(second.sizes))
    turned = np.concatenate([*orientations(second.cells)])
    columns, hashes = _rows(turned), hash_bits(turned)
    found: dict[tuple[int, int], Copy] = {}
    for number, file in enumerate(watch(files, len(files))):
        gray, eight_bits = read_gray(file)
        if min(gray.shape) < LARGER * side:
            continue
        limit = FLAT if eight_bits else FLAT_SHARE * abs(float(gray.mean()))
        cells = np.concatenate([*_windows(gray, side)])
        cells = normalize(cells[cells.std(axis=(1, 2)) >= limit])
        for one, two, score in _correlated(_rows(cells), columns):
            bits = distances(hash_bits(cells[one]), hashes[two])
            for place in np.flatnonzero(bits <= BITS):
                pair = number, int(two[place]) % len(second.cells)
                copy = Copy(*pair, float(score[place]), int(bits[place]))
                if pair not in found or copy.correlation > found[pair].correlation:
                    found[pair] = copy
    return sorted(found.values())


def _windows(gray: Cells, side: int) -> Iterator[Cells]:
    """Yield the cells of all windows of a side, at steps of half a cell."""
    cell = side / SIDE
    sums = cv2.integral(gray)
    for top in (0.0, cell / 2):
        for left in (0.0, cell / 2):
            height = int((gray.shape[0] - top) / cell)
            width = int((gray.shape[1] - left) / cell)
            if min(height, width) < SIDE:
                continue
            # Area means of cells that begin at a fraction of a pixel.
            columns, rows = np.meshgrid(
                (left + cell * np.arange(width + 1)).astype(np.float32),
                (top + cell * np.arange(height + 1)).astype(np.float32),
            )
            grid = cv2.remap(sums, columns, rows, cv2.INTER_LINEAR)
            means = np.diff(np.diff(grid, axis=0), axis=1) / cell**2
            views = sliding_window_view(means, (SIDE, SIDE))
            yield views.reshape(-1, SIDE, SIDE).astype(np.float32)
