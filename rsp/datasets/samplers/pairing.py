"""Pair the images of one source with those of another."""

import numpy as np
from numpy.typing import NDArray


def balanced_draw(
    num_images: int, num_slots: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Fill slots with images in random order, each as often as the others.

    Args:
        num_images: Images of a source, >= 1.
        num_slots: Places to fill.
        rng: Source of randomness.

    Returns:
        Image numbers, shape (num_slots,). Every image appears floor or ceil of
        num_slots / num_images times; which images get the extra turn is random.
        Full rounds come one after another, so repeats of an image are spread out.
    """
    rounds, extra = divmod(num_slots, num_images)
    turns = [rng.permutation(num_images) for _ in range(rounds)]
    turns.append(rng.permutation(num_images)[:extra])
    return np.concatenate(turns).astype(np.int64)


def modulo_draw(num_images: int, num_slots: int) -> NDArray[np.int64]:
    """Fill slot i with image i modulo the source's length, the official pairing.

    Args:
        num_images: Images of a source, >= 1.
        num_slots: Places to fill.

    Returns:
        Image numbers, shape (num_slots,).
    """
    return np.arange(num_slots, dtype=np.int64) % num_images
