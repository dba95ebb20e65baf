"""Turn what a step computed into numbers."""

from typing import Any

import torch
from torch import Tensor

from rsp.engine.health.taps import Pair, Taps
from rsp.models.modules.queue import FeatureQueue
from rsp.ops.contrast import l2_normalize
from rsp.ops.features.neighbors import retrieval_top1
from rsp.ops.features.rank import effective_rank
from rsp.ops.features.spread import (
    alignment,
    dead_share,
    deviation,
    mean_cosine,
    uniformity,
)

# Pairs and ranks of more images cost time and say little more.
ROWS = 256


@torch.no_grad()
def measure_features(taps: Taps) -> dict[str, Tensor]:
    """Measure features, projections and pairs of a step.

    Returns:
        Scalars on the device of the step: of the backbone's features ``rank``,
        ``deviation``, ``cosine``, ``dead_units``; of the projections that are
        compared the same but the last under ``projected_*``, and
        ``projected_directions``, the rank of what differs between images; of pairs
        ``alignment``, ``uniformity``, ``positive_similarity``,
        ``negative_similarity``, ``neighbor_top1``, and with a queue
        ``queue_similarity``. Only what the method computes.
    """
    found: dict[str, Tensor] = {}
    features = _first(taps.features)
    if features is not None:
        found |= _spread(features, '') | dict(dead_units=dead_share(features))
    pairs = taps.pairs
    if pairs and len(pairs[0][0]) > 1:
        projected = pairs[0][0][:ROWS].float()
        found |= _spread(projected, 'projected_')
        centered = projected - projected.mean(dim=0)
        found['projected_directions'] = effective_rank(centered)
        found |= _compare(pairs[0])
        found |= _compare_queue(pairs[0][0][:ROWS], queue_of(taps.model))
    return found


def queue_of(model: Any) -> Tensor | None:
    """Return the queue of a method, shape (D, L)."""
    queue = getattr(model, 'queue', None)
    if isinstance(queue, FeatureQueue):
        return queue.feats
    return queue if isinstance(queue, Tensor) else None


def _first(outputs: list[Tensor]) -> Tensor | None:
    if outputs and len(outputs[0]) > 1:
        return outputs[0][:ROWS].float()
    return None


def _spread(features: Tensor, prefix: str) -> dict[str, Tensor]:
    return {
        f'{prefix}rank': effective_rank(features),
        f'{prefix}deviation': deviation(features).mean(),
        f'{prefix}cosine': mean_cosine(features),
    }


def _compare(pair: Pair) -> dict[str, Tensor]:
    first, second = (l2_normalize(side[:ROWS]) for side in pair)
    cosines = first @ second.T
    count = len(first)
    own = cosines.diagonal().sum()
    return dict(
        alignment=alignment(first, second),
        uniformity=uniformity(first),
        positive_similarity=own / count,
        negative_similarity=(cosines.sum() - own) / (count * (count - 1)),
        neighbor_top1=retrieval_top1(first, second),
    )


def _compare_queue(queries: Tensor, queue: Tensor | None) -> dict[str, Tensor]:
    if queue is None:
        return {}
    # The mean over all is the product of the means.
    mean = l2_normalize(queries).mean(dim=0)
    return dict(queue_similarity=mean @ queue.to(mean).mean(dim=1))
