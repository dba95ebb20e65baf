"""Compute the features of a set of images, in batches of squares of one size."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from rsp.errors import UserError
from rsp.evaluation.analysis.images.image_set import LARGEST, ImageSet, resize


def batches(
    images: ImageSet, size: int | None, encoder: Any, batch_size: int = 64
) -> list[list[np.ndarray]]:
    """Read all images as squares of one size, in lists of at most `batch_size`.

    Args:
        images: To read.
        encoder: Which reads them; see `rsp.evaluation.analysis.backbones.Encoder`.
        size: Of the squares, pixels; None for the size of the images if they are all
            of one, else 224.
        batch_size: Of a list.
    """
    read = [encoder.read(images, i) for i in range(len(images))]
    first = read[0].shape[:2]
    if size is None:
        same = all(pixels.shape[:2] == first for pixels in read)
        size = min(first) if same and max(first) <= LARGEST else 224
    read = [resize(pixels, size, square=True) for pixels in read]
    return [read[i : i + batch_size] for i in range(0, len(read), batch_size)]


def stage_features(
    encoder: Any, images: ImageSet, size: int | None, places: Sequence[str]
) -> dict[str, torch.Tensor]:
    """Compute the mean of each map over its positions, per image.

    Args:
        encoder: A `rsp.evaluation.analysis.backbones.Encoder`.
        images: N images.
        size: See `batches`.
        places: Of the maps, such as ``'stage4'``.

    Returns:
        By place, shape (N, C), float32.

    Raises:
        UserError: If a feature is not finite, or all images have the same ones.
    """
    found: dict[str, list[torch.Tensor]] = {place: [] for place in places}
    with torch.no_grad():
        for pixels in batches(images, size, encoder):
            maps = encoder.maps(encoder.prepare(pixels))
            for place in places:
                found[place].append(maps[place].mean(dim=(2, 3)))
    features = {place: torch.cat(parts).float() for place, parts in found.items()}
    for place, values in features.items():
        spread = (values - values[0]).abs().max()
        if len(values) > 1 and spread <= 1e-6 * values.abs().max():
            raise UserError(
                f"features of '{encoder.source}' at {place} are the same for all "
                f'{len(values)} images: its training collapsed (docs/health.md), or '
                'the images are copies of one.'
            )
    return features
