"""Learning proportions of classes in place of one class."""

import torch
from torch import Tensor
from torch.nn import functional as F

from rsp.errors import UserError

REDUCTIONS = ('mean', 'batchmean')


def soft_cross_entropy(
    scores: Tensor, fractions: Tensor, reduction: str = 'mean'
) -> Tensor:
    r"""Cross-entropy with the proportions of the classes.

    .. math::
        -\sum_k y_k \log p_k,\qquad p = \operatorname{softmax}(z)

    in at least float32. GeoKR, https://arxiv.org/abs/2107.05276, calls it a KL
    divergence; the entropy of y, which no gradient reaches, is left out. An image
    without any of the classes (y = 0) adds nothing, and counts in the mean.

    Args:
        scores: z, shape (N, K).
        fractions: y, shape (N, K), not negative, each row of sum 1, or 0.
        reduction: See `reduce_classes`.

    Returns:
        Scalar, in nats.

    Raises:
        ValueError: If the shapes differ.
    """
    if scores.shape != fractions.shape:
        raise UserError(
            f'expected class fractions of shape {tuple(scores.shape)}, one for each '
            f"score, got {tuple(fractions.shape)}; 'classes' of the data set, "
            "'num_classes' of the head and the last width of the classifier must agree."
        )
    full = at_least_float32(scores)
    with torch.autocast(scores.device.type, enabled=False):
        log_prediction = F.log_softmax(scores.to(full), dim=1)
        return reduce_classes(-fractions.to(full) * log_prediction, reduction)


def reduce_classes(terms: Tensor, reduction: str) -> Tensor:
    """One number from the terms of all images and classes.

    Args:
        terms: Shape (N, K).
        reduction: ``'mean'`` over images and classes, GeoKR's; ``'batchmean'``, the
            mean over images of the sum over classes, K times that and what a
            divergence means elsewhere (the words are ``torch.nn.KLDivLoss``'s).

    Raises:
        ValueError: If it is neither.
    """
    if reduction not in REDUCTIONS:
        raise UserError(
            f"expected 'reduction' to be one of {REDUCTIONS}, got {reduction!r}."
        )
    return terms.mean() if reduction == 'mean' else terms.sum(dim=1).mean()


def at_least_float32(scores: Tensor) -> torch.dtype:
    """The type to take exponentials in: half precision overflows, double may stay."""
    return torch.promote_types(scores.dtype, torch.float32)
