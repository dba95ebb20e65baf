"""Seed the random numbers of an item, whichever worker loads it."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

_kept = False


@contextmanager
def states_kept() -> Iterator[None]:
    """Put the states of Python's, NumPy's and torch's generators back after a block.

    Around a batch, it spares `item_seed` to do so for each item, which takes a fifth of
    a millisecond: longer than to copy an image.
    """
    global _kept
    if _kept:
        yield
        return
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    _kept = True
    try:
        yield
    finally:
        _kept = False
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])


@contextmanager
def item_seed(seed: int) -> Iterator[None]:
    """Seed Python, NumPy and torch for one item and put their states back after.

    Transforms draw from the global generators. Seeded per item, an augmentation
    depends neither on the number of workers nor on where a run was resumed
    (mmengine seeds workers anew at every start, which would repeat the
    augmentations of the first epoch).

    Args:
        seed: 0 to 2**32 - 1.
    """
    if not _kept:
        with states_kept(), item_seed(seed):
            yield
        return
    random.seed(seed)
    np.random.seed(seed)
    torch.default_generator.manual_seed(seed)
    yield


def draw_seed() -> int:
    """Draw a seed of all views of an item from NumPy's global generator.

    Which `item_seed` seeds: one number, so that whatever makes the views, on the host
    or on a device, makes the same.
    """
    return int(np.random.randint(2**32, dtype=np.uint32))
