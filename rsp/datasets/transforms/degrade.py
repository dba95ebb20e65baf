"""Blur images and add noise to them, at random."""

from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from rsp.datasets.transforms.value_range import in_type_of, value_range
from rsp.errors import UserError
from rsp.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomBlur(BaseTransform):
    """Blur by a Gaussian of random kernel size and width.

    The kernel cuts the Gaussian off, as in the albumentations transform that CMID
    used; mmpretrain's blur has a width only.

    Required and modified keys: ``img``.

    Args:
        kernel: Smallest and largest kernel size in pixels, odd.
        sigma: Smallest and largest standard deviation in pixels.
        prob: Share of images that are blurred.
    """

    def __init__(
        self,
        kernel: tuple[int, int] = (3, 7),
        sigma: tuple[float, float] = (0.1, 2.0),
        prob: float = 1.0,
    ) -> None:
        if kernel[0] % 2 == 0 or kernel[1] % 2 == 0 or not 1 <= kernel[0] <= kernel[1]:
            raise UserError(
                f"expected two odd numbers, rising, as 'kernel' of the blur, got "
                f'{tuple(kernel)}.'
            )
        self.sizes = range(kernel[0], kernel[1] + 1, 2)
        self.narrow, self.wide = sigma
        self.prob = prob

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Blur ``img``, or leave it."""
        if np.random.random() >= self.prob:
            return results
        size = int(np.random.choice(self.sizes))
        sigma = np.random.uniform(self.narrow, self.wide)
        results['img'] = cv2.GaussianBlur(results['img'], (size, size), sigma)
        return results


@TRANSFORMS.register_module()
class GaussianNoise(BaseTransform):
    """Add independent noise to every pixel and channel.

    Required and modified keys: ``img``. Optional key: ``value_range``.

    Args:
        variance: Smallest and largest variance, in squared gray values: of 255 between
            black and white, whatever the type.
        prob: Share of images that get noise.
    """

    def __init__(
        self, variance: tuple[float, float] = (10.0, 50.0), prob: float = 0.6
    ) -> None:
        if not 0 <= variance[0] <= variance[1]:
            raise UserError(
                f"expected 'variance' of the noise as (low, high), got {variance}."
            )
        self.low, self.high = variance
        self.prob = prob

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add noise to ``img``, or leave it.

        Raises:
            UserError: If the range of values is not known.
        """
        low, high = value_range(results, 'rsp.GaussianNoise')
        if np.random.random() >= self.prob:
            return results
        image = results['img']
        deviation = np.sqrt(np.random.uniform(self.low, self.high))
        noise = np.random.normal(0, deviation, (*image.shape[:2], len(low)))
        noisy = image.reshape(noise.shape) + noise * ((high - low) / 255)
        results['img'] = in_type_of(noisy, image)
        return results
