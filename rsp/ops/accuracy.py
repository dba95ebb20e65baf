"""Share of hits among the highest scores."""

import torch
from torch import Tensor


def topk_accuracy(scores: Tensor, labels: Tensor, k: int) -> Tensor:
    """Per cent of samples whose label is among the k highest scores.

    Args:
        scores: Shape (N, K), any unit.
        labels: Class numbers 0..K-1, shape (N,).
        k: How many scores may compete; more than K counts as K, so that top-5
            of fewer than five classes is 100.

    Returns:
        Scalar, per cent 0-100.
    """
    best = scores.topk(min(k, scores.shape[1]), dim=1).indices
    hits = (best == labels[:, None]).any(dim=1)
    return 100 * hits.to(torch.float32).mean()
