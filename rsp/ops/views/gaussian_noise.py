"""Add noise to views."""

import cv2
import numpy as np
import torch
from torch import Tensor

from rsp.ops.views.kernels.normal_field import (
    normal_choices,
    normal_fields,
    normal_table,
)
from rsp.ops.views.operation import Array, Operation, between


class GaussianNoise(Operation):
    """Add independent normal noise to every pixel and band, cut to the range.

    The field follows from a seed that is drawn with the other parameters.

    Args:
        variance: Smallest and largest variance, in squared gray values of 0 to 255.
        prob: Share of images that get noise.
    """

    numbers = 3
    columns = ('applies', 'deviation', 'seed')

    def __init__(
        self, variance: tuple[float, float] = (10.0, 50.0), prob: float = 0.6
    ) -> None:
        super().__init__(prob)
        self.variance = variance

    def draw(self, uniforms: Array) -> Array:
        """Draw parameters, shape (N, 3); the deviation as a share of the range."""
        deviation = np.sqrt(between(uniforms[:, 1], *self.variance)) / 255
        seeds = np.floor(uniforms[:, 2] * 2**31)
        return np.stack([self.applies(uniforms), deviation, seeds], axis=1)

    def apply(self, image: Array, parameters: Array) -> Array:
        """Add noise to one image.

        Whole numbers plus noise are rounded as the noise is: its table is.
        """
        applies, deviation, seed = parameters
        if not applies:
            return image
        levels = np.rint(normal_table().numpy() * (255 * deviation)).astype(np.int16)
        noise = levels.take(normal_choices(int(seed), image.shape))
        return cv2.add(image, noise, dtype=cv2.CV_8U)

    def apply_batch(
        self, images: Tensor, parameters: Tensor, cut: bool = True
    ) -> Tensor:
        """Add noise to some images."""
        applies, deviation, seeds = parameters.unbind(1)
        channels, height, width = images.shape[1:]
        noise = normal_fields(seeds, (height, width, channels), images.dtype)
        shares = (applies * deviation).to(images.dtype)[:, None, None, None]
        noisy = torch.addcmul(images, noise.permute(0, 3, 1, 2), shares)
        return noisy.clamp_(0, 1) if cut else noisy
