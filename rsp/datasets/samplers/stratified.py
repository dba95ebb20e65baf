"""Sample groups by their weights, stratified over an epoch, bounded in a batch."""

import numpy as np
from numpy.typing import NDArray

from rsp.errors import UserError


def cap_weights(shares: NDArray[np.float64], bound: float) -> NDArray[np.float64]:
    """Cap weights at a bound; what is cut off goes to the others in proportion.

    Args:
        shares: Positive, summing to 1, shape (S,).
        bound: The largest share that is allowed, at least 1 / S.

    Returns:
        Shape (S,), summing to 1.

    Raises:
        UserError: If S shares under the bound cannot make 1.
    """
    if bound * len(shares) < 1 - 1e-9:
        raise UserError(
            f'expected a bound of at least 1 / {len(shares)}, got {bound:g}.'
        )
    bounded = np.asarray(shares, np.float64)
    at_bound = np.zeros(len(bounded), bool)
    while (above := ~at_bound & (bounded > bound)).any():
        at_bound |= above
        left = 1 - bound * at_bound.sum()
        others = bounded[~at_bound].sum()
        bounded = np.where(at_bound, bound, bounded * (left / max(others, 1e-300)))
    return bounded


def draw_batches(
    shares: NDArray[np.float64],
    batches: int,
    size: int,
    rng: np.random.Generator,
    most: int | None = None,
) -> NDArray[np.int64]:
    r"""Draw the group of each item of an epoch's batches.

    Systematic sampling: the groups lie on a line of length 1 in random order, each as
    long as its share, and a batch takes what is at

    .. math::
        (k + u) / size, \quad k = 0 \dots size - 1

    with one random u per batch, so that a group of share s occurs floor(s size) or
    ceil(s size) times. The u of an epoch are stratified: over the epoch, the counts
    follow the shares as closely as they can.

    Args:
        shares: Of the groups, positive, summing to 1, shape (S,).
        batches: Number of batches.
        size: Items of a batch.
        rng: Generator of the epoch.
        most: How often a group may occur in a batch; larger groups are then drawn less
            than their share. None sets no bound.

    Returns:
        Group numbers, shape (batches, size), in random order within a batch.

    Raises:
        UserError: If there are too few groups to fill a batch within the bound.
    """
    if most is not None:
        if len(shares) * most < size:
            raise UserError(
                f'expected at least {-(-size // most)} groups for {size} items of a '
                f'batch, at most {most} of each, got {len(shares)}.'
            )
        shares = cap_weights(shares, most / size)
    order = rng.permutation(len(shares))
    ends = np.cumsum(shares[order])
    ends[-1] = 1.0
    starts = (rng.permutation(batches) + rng.random(batches)) / batches
    places = (np.arange(size) + starts[:, None]) / size
    groups = order[np.searchsorted(ends, places, side='right').clip(max=len(order) - 1)]
    return rng.permuted(groups, axis=1)
