"""Measure how far features lie apart."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from rsp.ops.contrast import l2_normalize

# Of the largest deviation: units below it give every image the same number.
DEAD = 1e-5


def deviation(features: Tensor) -> Tensor:
    r"""Compute the deviation of each dimension of normalized features, times root D.

    Chen and He, "Exploring Simple Siamese Representation Learning", CVPR 2021,
    https://arxiv.org/abs/2011.10566, Sec. 4.1: features spread evenly over the sphere
    have a deviation of :math:`1/\sqrt D` in every dimension, collapsed ones of 0.

    Args:
        features: Shape (N, D); rows are scaled to length 1 first.

    Returns:
        Shape (D,), about 1 for an even spread, in units of :math:`1/\sqrt D`.
    """
    unit = l2_normalize(features)
    return unit.std(dim=0, correction=0) * math.sqrt(unit.shape[1])


def mean_cosine(features: Tensor) -> Tensor:
    """Compute the mean cosine of all pairs of two different rows.

    Args:
        features: Shape (N, D), N of at least 2.

    Returns:
        Scalar, -1 / (N - 1) to 1.
    """
    unit = l2_normalize(features)
    count = len(unit)
    # The sum over all pairs is the squared length of the sum of all rows.
    own = unit.square().sum()
    return (unit.sum(dim=0).square().sum() - own) / (count * (count - 1))


def alignment(first: Tensor, second: Tensor) -> Tensor:
    r"""Compute the mean squared distance of positive pairs on the sphere.

    .. math:: \mathbb E\, \lVert f(x) - f(y) \rVert_2^2

    Wang and Isola, "Understanding Contrastive Representation Learning through
    Alignment and Uniformity on the Hypersphere", ICML 2020,
    https://arxiv.org/abs/2005.10242, with exponent 2.

    Args:
        first: Shape (N, D); rows are scaled to length 1 first.
        second: Shape (N, D); row i is another view of what row i of `first` shows.

    Returns:
        Scalar, 0 (the same) to 4 (opposite).
    """
    difference = l2_normalize(first) - l2_normalize(second)
    return difference.square().sum(dim=1).mean()


def uniformity(features: Tensor, t: float = 2.0) -> Tensor:
    r"""Compute the logarithm of the mean Gaussian potential of all pairs.

    .. math::
        \log \mathbb E_{i \ne j}\, e^{-t \lVert f(x_i) - f(x_j) \rVert_2^2}

    Wang and Isola, see :func:`alignment`; the lower, the more evenly spread.

    Args:
        features: Shape (N, D), N of at least 2; rows are scaled to length 1 first.
        t: Sharpness of the potential, > 0.

    Returns:
        Scalar, at most 0, which is a collapse.
    """
    unit = l2_normalize(features)
    squares = F.pdist(unit).square()
    return (-t * squares).logsumexp(dim=0) - math.log(len(squares))


def dead_share(features: Tensor) -> Tensor:
    """Compute the share of dimensions that give every image the same number.

    Args:
        features: Shape (N, D).

    Returns:
        Scalar, 0 to 1; 1 if no dimension differs between images.
    """
    spread = features.float().std(dim=0, correction=0)
    return (spread <= DEAD * spread.amax()).float().mean()


def view_variance_ratio(first: Tensor, second: Tensor) -> Tensor:
    r"""Compute the F ratio of each dimension: between images over between views.

    .. math::
        F = \frac{\frac{2}{N-1} \sum_i (m_i - \bar m)^2}
                 {\frac{1}{2N} \sum_i (a_i - b_i)^2},\qquad m_i = \frac{a_i + b_i}{2}

    the one-way analysis of variance with N images of two views. If views of one image
    are no more alike than those of different ones, it is about 1.

    Args:
        first: Shape (N, D), N of at least 2.
        second: Shape (N, D), row i of the same image as row i of `first`.

    Returns:
        Shape (D,), 0 or more; infinite where both views of every image are the same.
    """
    between = 2 * (0.5 * (first + second)).var(dim=0)
    within = (first - second).square().mean(dim=0) / 2
    same = (within == 0) & (between == 0)
    return torch.where(same, torch.ones_like(within), between / within)
