"""Compute the cosines of momentum contrast, in at least single precision."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from rsp.ops import check
from rsp.ops.precision import upcast


def l2_normalize(vectors: Tensor) -> Tensor:
    """Scale each row to length 1, in at least float32.

    Args:
        vectors: Shape (N, D).

    Returns:
        Shape (N, D), rows of length 1 to 1e-5 also under mixed precision.
    """
    return F.normalize(upcast(vectors), dim=1)


def similarities(
    queries: Tensor, keys: Tensor, negatives: Tensor
) -> tuple[Tensor, Tensor]:
    r"""Compute the cosine of each query with its own key and with every negative.

    .. math::
        \text{positive}_i = q_i \cdot k_i, \qquad
        \text{negative}_{ij} = q_i \cdot u_j

    the dot products of MoCo, https://arxiv.org/abs/1911.05722, Eq. 1.

    Args:
        queries: Unit rows, shape (N, D).
        keys: Unit rows, shape (N, D); row i belongs to query i.
        negatives: Unit columns, shape (D, L).

    Returns:
        Positives (N, 1) and negatives (N, L), both in [-1, 1].

    Raises:
        UserError: If queries and negatives differ in D.
    """
    check.equal(
        'a queue of the size of the queries,',
        negatives.shape[0],
        queries.shape[1],
        "set 'dim' of the queue to the last of the projector's 'widths'",
    )
    # Divided by a temperature as small as 0.07 later: rounding by 1e-3, as autocast
    # does, would become 1.4e-2 in the logits.
    with torch.autocast(queries.device.type, enabled=False):
        positive = (queries * keys).sum(dim=1, keepdim=True)
        negative = queries @ negatives
    return positive, negative


def top1(positive: Tensor, negative: Tensor) -> Tensor:
    """Compute the share of queries whose own key is nearer than every negative.

    Args:
        positive: Shape (N, 1).
        negative: Shape (N, L).

    Returns:
        Scalar, per cent 0-100.
    """
    # A tie is a miss: the equal cosines of a collapsed encoder are no success.
    nearest = (positive > negative.amax(dim=1, keepdim=True)).float()
    return 100 * nearest.mean()


def summary(positive: Tensor, negative: Tensor) -> dict[str, Tensor]:
    """Collect the metrics to log beside a contrastive loss.

    Args:
        positive: Cosines with the own key, shape (N, 1).
        negative: Cosines with the negatives, shape (N, L).

    Returns:
        ``contrast_top1`` in per cent, and the mean cosines ``positive_similarity`` and
        ``negative_similarity``, without gradient.
    """
    positive, negative = positive.detach(), negative.detach()
    return dict(
        contrast_top1=top1(positive, negative),
        positive_similarity=positive.mean(),
        negative_similarity=negative.mean(),
    )


def lowest_loss(num_negatives: int, temperature: float) -> float:
    r"""Compute the least cross-entropy that unit vectors can reach, and what is left.

    With a cosine of 1 with the own key and of -1 with every negative,

    .. math::
        L \ge \log\big(1 + K e^{-2/\tau}\big)

    for InfoNCE, https://arxiv.org/abs/1911.05722, Eq. 1; an untrained network has
    about :math:`\log(1 + K)`.

    Args:
        num_negatives: K, 1 or more.
        temperature: :math:`\tau`, > 0.

    Returns:
        The bound as a share of log(1 + K), from 0 to 1: near 1 a loss cannot fall.
    """
    least = math.log1p(num_negatives * math.exp(-2 / temperature))
    return least / math.log1p(num_negatives)
