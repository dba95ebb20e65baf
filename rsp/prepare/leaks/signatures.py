"""Describe pictures so that their copies can be told, in any orientation.

A picture is shrunk to `SIDE` x `SIDE` cells. Two pictures are copies if their cells
correlate, and their hashes (`rsp.prepare.scan.perceptual_hash`) differ in few bits:
fields of one slope correlate, and waves share bits, but hardly any two scenes do both.
Brightness and contrast change neither; the eight orientations of a picture are those of
its cells. docs/transfer.md has what was measured.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rsp.errors import BrokenFile, UserError
from rsp.io.images import read_stored

SIDE = 12
# Deviation of the cells of 8 bits below which an encoder erases what tells pictures
# apart; and its share of the mean for other types.
FLAT, FLAT_SHARE = 1.5, 0.01
Cells = NDArray[np.float32]


@dataclass(frozen=True)
class Signatures:
    """Hold what is compared of N pictures.

    Attributes:
        paths: Of the files.
        cells: Normalized to mean 0 and length 1, shape (N, `SIDE`, `SIDE`); 0 for a
            blank picture.
        flat: Whether a picture is too flat for copies to be surely found, shape (N,).
        sizes: Short sides, pixels, shape (N,).
        broken: Files that cannot be read, with the reason.
    """

    paths: Sequence[str]
    cells: Cells
    flat: NDArray[np.bool_]
    sizes: NDArray[np.int64]
    broken: dict[str, str]


def read_signatures(
    files: Sequence[str | Path],
    workers: int = 4,
    watch: Callable[[Iterable, int], Iterable] = lambda items, count: items,
) -> Signatures:
    """Read files and describe them.

    Args:
        files: Images of any type.
        workers: Threads that decode.
        watch: Wraps the walk, for a progress bar; gets the number of files.
    """
    paths, cells, flat, sizes = [], [], [], []
    broken: dict[str, str] = {}
    with ThreadPoolExecutor(workers) as pool:
        for file, found in watch(pool.map(_describe, files), len(files)):
            if isinstance(found, str):
                broken[file] = found
                continue
            gray, size, limit = found
            paths.append(file)
            cells.append(gray)
            flat.append(gray.std() < limit)
            sizes.append(size)
    shape = (len(paths), SIDE, SIDE)
    return Signatures(
        paths,
        normalize(np.array(cells, np.float32).reshape(shape)),
        np.array(flat, bool),
        np.array(sizes, np.int64),
        broken,
    )


def _describe(file: str | Path) -> tuple[str, str | tuple[Cells, int, float]]:
    try:
        gray, eight_bits = read_gray(file)
    except BrokenFile as error:
        return str(file), error.reason
    except UserError as error:
        return str(file), str(error)
    limit = FLAT if eight_bits else FLAT_SHARE * abs(float(gray.mean()))
    return str(file), (shrink(gray), min(gray.shape), limit)


def read_gray(file: str | Path) -> tuple[Cells, bool]:
    """Return the mean of the first three bands, (H, W), and whether it has 8 bits."""
    stored: NDArray[Any] = read_stored(str(file))
    eight_bits = stored.dtype == np.uint8
    if stored.ndim == 3:
        stored = stored[..., :3].mean(axis=2, dtype=np.float32)
    return np.nan_to_num(stored.astype(np.float32, copy=False)), eight_bits


def shrink(gray: Cells) -> Cells:
    """Shrink a picture, (H, W), to its cells."""
    small = cv2.resize(gray, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32, copy=False)


def normalize(cells: Cells) -> Cells:
    """Bring cells, (N, `SIDE`, `SIDE`), to mean 0 and length 1; flat ones to 0."""
    centered = cells - cells.mean(axis=(1, 2), keepdims=True)
    length = np.linalg.norm(centered, axis=(1, 2), keepdims=True)
    # Smaller steps may come from rounding alone.
    least = 1e-5 * np.abs(cells).max(axis=(1, 2), keepdims=True, initial=0)
    return np.where(length > least, centered / np.maximum(length, 1e-12), 0)


def orientations(cells: Cells) -> Iterator[Cells]:
    """Yield cells turned by quarters and mirrored, in eight ways, first as they are."""
    for mirrored in (cells, cells[:, :, ::-1]):
        for quarters in range(4):
            yield np.rot90(mirrored, quarters, axes=(1, 2))


def hash_bits(cells: Cells) -> NDArray[np.uint8]:
    """Return difference hashes, packed, shape (N, 33)."""
    span = 1e-4 * np.ptp(cells, axis=(1, 2), keepdims=True)
    right = np.diff(cells, axis=2) > span
    below = np.diff(cells, axis=1) > span
    both = [steps.reshape(len(cells), -1) for steps in (right, below)]
    return np.packbits(np.concatenate(both, axis=1), axis=1)
