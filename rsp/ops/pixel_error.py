"""Error of single pixels."""

import torch
from torch import Tensor


def focal_l1(
    error: Tensor, alpha: float = 0.2, gamma: float = 1.0, residual: bool = False
) -> Tensor:
    r"""Absolute error, small ones weighted down.

    .. math::
        l(d) = |d|\,(2\sigma(\alpha |d|) - 1)^\gamma = |d|\,\tanh(\alpha |d| / 2)^\gamma

    CMID's spatial loss, named L1 in its paper; focal weight of Yang et al.,
    https://arxiv.org/abs/2102.09554. ``gamma=0`` is the plain absolute error.

    Args:
        error: Any shape.
        alpha: Steepness of the weight, 1 / unit of the error.
        gamma: Exponent of the weight, >= 0.
        residual: Whether to return the absolute error plus the focal one.

    Returns:
        Shape and unit of the error.
    """
    size = error.abs()
    if gamma == 0:
        return 2 * size if residual else size
    weight = torch.tanh(alpha * size / 2)
    focal = size * (weight if gamma == 1 else weight.pow(gamma))
    return size + focal if residual else focal
