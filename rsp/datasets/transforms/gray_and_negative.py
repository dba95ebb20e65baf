"""Turn images of any bands gray, or bright places of them dark."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from rsp.datasets.transforms.value_range import (
    in_type_of,
    map_bands,
    value_range,
)
from rsp.ops import check
from rsp.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomGrayscale(BaseTransform):
    """Give every band the mean of all; mmcv's wants weights for its three channels.

    The mean is that of the shares of the bands' ranges: each band keeps its own black
    and white, and all show one picture.

    Required and modified key: ``img``. Optional key: ``value_range``.

    Args:
        prob: Share of images that turn gray.
        channel_weights: Per band, as ``img`` has them (three are BGR); None for equal
            ones.
    """

    def __init__(
        self, prob: float = 0.1, channel_weights: Sequence[float] | None = None
    ) -> None:
        check.between("'prob' of rsp.RandomGrayscale", prob, 0, 1)
        self.prob, self.channel_weights = prob, channel_weights

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Turn ``img`` gray, or leave it.

        Raises:
            UserError: If the weights are of another number of bands, or the range of
                values is not known.
        """
        low, high = value_range(results, 'rsp.RandomGrayscale')
        given = (
            [1.0] * len(low) if self.channel_weights is None else self.channel_weights
        )
        check.equal(
            "'channel_weights' of rsp.RandomGrayscale for all bands of the image,",
            len(given),
            len(low),
            'give one per band, or leave them out',
        )
        weights = np.asarray(given, np.float64)
        if np.random.random() >= self.prob:
            return results
        image = results['img']
        values = image.reshape(*image.shape[:2], len(low)).astype(np.float32)
        weights = weights / weights.sum() / (high - low)
        gray = values @ weights.astype(np.float32) - np.float32(low @ weights)
        values[:] = gray[..., None]
        results['img'] = in_type_of(map_bands(values, high - low, low), image)
        return results


@TRANSFORMS.register_module()
class RandomSolarize(BaseTransform):
    """Invert what is bright, within the range of each band.

    mmpretrain's ``Solarize`` does so within 0 to 255 alone.

    Required and modified key: ``img``. Optional key: ``value_range``.

    Args:
        threshold: From where on, as a share of the range; 0.5 is mmpretrain's 128.
        prob: Share of images that are changed.
    """

    def __init__(self, threshold: float = 0.5, prob: float = 0.5) -> None:
        check.between("'threshold' of rsp.RandomSolarize", threshold, 0, 1)
        check.between("'prob' of rsp.RandomSolarize", prob, 0, 1)
        self.threshold, self.prob = threshold, prob

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Invert the bright pixels of ``img``, or leave it."""
        low, high = value_range(results, 'rsp.RandomSolarize')
        if np.random.random() >= self.prob:
            return results
        image = results['img']
        values = image.reshape(*image.shape[:2], len(low)).astype(np.float32)
        bright = values >= low + self.threshold * (high - low)
        results['img'] = in_type_of(
            np.where(bright, low + high - values, values), image
        )
        return results
