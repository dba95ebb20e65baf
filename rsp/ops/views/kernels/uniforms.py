"""Draw uniform numbers that follow from a seed and a position alone."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
# Constants of SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number
# generators", OOPSLA 2014, doi:10.1145/2660193.2660195.
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST = np.uint64(0xBF58476D1CE4E5B9)
SECOND = np.uint64(0x94D049BB133111EB)
SHIFTS = np.array([30, 27, 31], np.uint64)


def seeded_uniforms(seeds: Array, count: int, stream: int | Array = 0) -> Array:
    """Draw numbers for each seed, whatever the others and their order.

    A generator of NumPy costs 15 microseconds per seed; these are one expression for a
    whole batch, and the same in every process and release.

    Args:
        seeds: Of the images, whole numbers from 0 to 2**32 - 1, shape (N,).
        count: Numbers per seed.
        stream: Another one gives other numbers, 0 to 2**32 - 1; one per view, or one
            for each seed, shape (N,).

    Returns:
        Shape (N, count), float64, in [0, 1).
    """
    seeds = np.asarray(seeds).astype(np.uint64)
    start = _mix(seeds | np.asarray(stream, np.uint64) << np.uint64(32))
    return (_mix(start[:, None] + _steps(count)) >> np.uint64(11)) * 2.0**-53


@lru_cache(maxsize=16)
def _steps(count: int) -> Array:
    return np.arange(1, count + 1, dtype=np.uint64) * GOLDEN


def _mix(words: Array) -> Array:
    words = (words ^ words >> SHIFTS[0]) * FIRST
    words = (words ^ words >> SHIFTS[1]) * SECOND
    return words ^ words >> SHIFTS[2]
