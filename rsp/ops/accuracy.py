"""Score the ranking of classes."""

import torch
from torch import Tensor


def topk_accuracy(logits: Tensor, labels: Tensor, k: int) -> Tensor:
    """Compute the share of samples whose label is among the k highest logits.

    Args:
        logits: Shape (N, K); probabilities or any other score will do.
        labels: Class indices 0..K-1, shape (N,).
        k: Number of classes that may compete; more than K counts as K, so that top-5
            of fewer than five classes is 100.

    Returns:
        Scalar, per cent 0-100.
    """
    best = logits.topk(min(k, logits.shape[1]), dim=1).indices
    hits = (best == labels[:, None]).any(dim=1)
    return 100 * hits.to(torch.float32).mean()
