"""Cosine similarities of momentum contrast, in at least single precision."""

import torch
from torch import Tensor
from torch.nn import functional as F

from rsp.errors import UserError


def unit(vectors: Tensor) -> Tensor:
    """Scale each row to length 1.

    Half precision is raised to float32 first, so that keys keep unit norm to 1e-5
    under mixed precision; float64 stays float64.

    Args:
        vectors: Shape (N, D).

    Returns:
        Shape (N, D), rows of length 1.
    """
    full = torch.promote_types(vectors.dtype, torch.float32)
    return F.normalize(vectors.to(full), dim=1)


def similarities(
    queries: Tensor, keys: Tensor, negatives: Tensor
) -> tuple[Tensor, Tensor]:
    r"""Cosine of each query with its own key and with every negative.

    .. math::
        \text{positive}_i = q_i \cdot k_i, \qquad
        \text{negative}_{ij} = q_i \cdot u_j

    the dot products of MoCo, https://arxiv.org/abs/1911.05722, Eq. 1. They are
    divided by a temperature as small as 0.07 later, so autocast is switched off
    here: a rounding of 1e-3 would become 1.4e-2 in the logits.

    Args:
        queries: Unit rows, shape (N, D).
        keys: Unit rows, shape (N, D); row i belongs to query i.
        negatives: Unit columns, shape (D, L).

    Returns:
        Positives (N, 1) and negatives (N, L), both in [-1, 1].

    Raises:
        ValueError: If queries and negatives differ in D.
    """
    if queries.shape[1] != negatives.shape[0]:
        raise UserError(
            f'expected a queue of the size of the queries, {queries.shape[1]}, got '
            f"{negatives.shape[0]}; set 'dim' of the queue to the last of the "
            "projector's 'widths'."
        )
    with torch.autocast(queries.device.type, enabled=False):
        positive = (queries * keys).sum(dim=1, keepdim=True)
        negative = queries @ negatives
    return positive, negative


def top1(positive: Tensor, negative: Tensor) -> Tensor:
    """Share of queries whose own key is nearer than every negative.

    Args:
        positive: Shape (N, 1).
        negative: Shape (N, L).

    Returns:
        Scalar, per cent 0-100. A tie counts as a miss: equal similarities, as of
        a collapsed encoder, must not look like success.
    """
    nearest = (positive > negative.amax(dim=1, keepdim=True)).float()
    return 100 * nearest.mean()


def summary(positive: Tensor, negative: Tensor) -> dict[str, Tensor]:
    """What to log beside a contrastive loss.

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
