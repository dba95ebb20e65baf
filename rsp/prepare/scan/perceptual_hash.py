"""Hash pictures so that resized and re-encoded copies share a hash; find the copies.

A picture is shrunk and every cell compared with its right and its lower neighbor, as in
N. Krawetz's difference hash. 264 bits instead of his 64: woods and water look alike in
a few large cells. Of 4,000 EuroSAT tiles the nearest two differ in 55 bits, a tile and
its enlarged copy in 27 at most. imagehash tells them apart worse and takes four times
as long: 11 and 112 bits by its dhash (16 x 16 cells), 38 and 42 by its phash.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rsp.ops import check
from rsp.prepare.scan.groups import group_connected, group_equal

SIDE = 12
# Bits in which a copy may differ; see above.
COPY = 24
BITS = 2 * SIDE * (SIDE - 1)
# Number of bits set in a byte; `np.bitwise_count` needs NumPy 2.
ONES = np.array([byte.bit_count() for byte in range(256)], np.uint8)
# Pairs compared at a time.
CHUNK = 2**20


def difference_hash(gray: NDArray[Any]) -> NDArray[np.uint8] | None:
    """Compare the brightness of neighboring cells.

    Unchanged by brightness and contrast; hardly changed by compression and size.

    Args:
        gray: Shape (H, W), any range, finite.

    Returns:
        `BITS` bits packed into uint8, shape (33,); None for a blank picture: its bits
        would be those of every other blank one.
    """
    small = cv2.resize(
        np.asarray(gray, np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA
    )
    span = np.ptp(small)
    if span <= 1e-6 * np.abs(small).max():
        return None
    # Smaller steps may come from rounding alone.
    right = np.diff(small, axis=1) > 1e-4 * span
    below = np.diff(small, axis=0) > 1e-4 * span
    return np.packbits(np.concatenate([right.ravel(), below.ravel()]))


def distances(hashes: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count differing bits of hashes of shapes (..., B) and (..., B), broadcast."""
    return ONES[hashes ^ other].sum(axis=-1, dtype=np.int64)


def near_pairs(hashes: NDArray[np.uint8], within: int) -> NDArray[np.int64]:
    """Find all pairs of different rows that differ in at most so many bits.

    Rows with ``within`` different bits agree in at least one of ``within + 1`` parts;
    only those are compared, 1 to 2 % of all pairs for `COPY` bits.

    Args:
        hashes: Different rows of uint8, shape (N, B).
        within: Largest number of differing bits, less than 8 B.

    Returns:
        Rising pairs of row numbers, shape (P, 2); a pair may occur more than once.

    Raises:
        UserError: If ``within`` leaves a part without bits.
    """
    bits = np.unpackbits(hashes, axis=1)
    check.between('number of differing bits', within, 0, bits.shape[1] - 1)
    found: list[NDArray[np.int64]] = [np.empty((0, 2), np.int64)]
    for part in np.array_split(bits, within + 1, axis=1):
        _, keys = np.unique(np.packbits(part, axis=1), axis=0, return_inverse=True)
        for rows in group_equal(keys.reshape(-1)):
            step = max(CHUNK // len(rows), 1)
            for chunk in (rows[i : i + step] for i in range(0, len(rows), step)):
                near = distances(hashes[chunk, None], hashes[rows]) <= within
                one, other = np.nonzero(near & (chunk[:, None] < rows))
                found.append(np.stack([chunk[one], rows[other]], axis=1))
    return np.concatenate(found)


def near_groups(hashes: NDArray[np.uint8], within: int) -> list[list[int]]:
    """Group pictures that are connected by pairs within so many bits.

    Args:
        hashes: Of N pictures, shape (N, B); rows may repeat.
        within: See `near_pairs`.

    Returns:
        Row numbers, rising, of each set of two and more; sets by their first row.
    """
    if not len(hashes):
        return []
    # Equal rows first: thousands of them would be millions of pairs.
    different, of_row = np.unique(hashes, axis=0, return_inverse=True)
    groups = group_connected(of_row.reshape(-1), near_pairs(different, within))
    return [group for group in groups if len(group) > 1]
