"""Extract one vector per image from a frozen backbone."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from rsp.errors import UserError
from rsp.ops.pool import pool


@torch.no_grad()
def extract_features(
    backbone: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    device: str | torch.device = 'cpu',
) -> tuple[Tensor, Tensor]:
    """Compute the pooled outputs of a backbone in evaluation mode.

    Args:
        backbone: Image encoder; its last output is pooled by
            :func:`rsp.ops.pool.pool`. Its mode is put back afterwards.
        batches: Pairs of images (N, 3, H, W), normalized, and what to keep beside
            them, e.g. labels (N,).
        device: Where the backbone is.

    Returns:
        Features (N, C) in float32 and the kept values (N, ...), both on the CPU, in
        the order of the batches.

    Raises:
        UserError: If there is no batch, or a feature is not a finite number.
    """
    was_training = backbone.training
    # Running statistics: features must not depend on who shares the batch.
    backbone.eval()
    features, kept = [], []
    try:
        for images, values in batches:
            features.append(pool(backbone(images.to(device))).float().cpu())
            kept.append(values.cpu())
    finally:
        backbone.train(was_training)

    if not features:
        raise UserError('expected at least one batch of images, got none.')
    stacked = torch.cat(features)
    broken = (~stacked.isfinite()).any(dim=1).sum().item()
    if broken:
        raise UserError(
            f'{broken} of {len(stacked)} feature vectors hold NaN or infinity; the '
            'weights diverged, take an earlier checkpoint or lower the learning rate.'
        )
    return stacked, torch.cat(kept)


def standardize(train: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Shift and scale each feature to mean 0 and deviation 1 over the training set.

    Backbones differ in the scale of their features; without this a fixed L2 weight
    or a cosine would favor one of them. A feature that is constant over the training
    set is only shifted.

    Args:
        train: Shape (N, C); its statistics are used.
        other: Shape (M, C).

    Returns:
        Both, standardized.
    """
    mean = train.mean(dim=0)
    deviation = train.std(dim=0, correction=0)
    # Rounding leaves a constant feature with about 1e-7 of its mean.
    constant = deviation <= 1e-6 * mean.abs()
    scale = torch.where(constant, torch.ones_like(deviation), deviation)
    return (train - mean) / scale, (other - mean) / scale
