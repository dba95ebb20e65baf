"""Find images again by their features."""

import torch
from torch import Tensor

from rsp.ops.contrast import l2_normalize


def retrieval_top1(first: Tensor, second: Tensor) -> Tensor:
    """Compute the share of views whose nearest other view is of the same image.

    Needs no labels. A tie is a miss, so that collapsed features find nothing.

    Args:
        first: Shape (N, D), compared by their cosines.
        second: Shape (N, D), row i of the same image as row i of `first`.

    Returns:
        Scalar, per cent 0-100; by chance it is 100 / N.
    """
    cosines = l2_normalize(first) @ l2_normalize(second).T  # (N, N)
    own = cosines.diagonal()
    others = cosines.masked_fill(
        torch.eye(len(cosines), dtype=torch.bool, device=cosines.device), -torch.inf
    )
    return 100 * (own > others.amax(dim=1)).float().mean()
