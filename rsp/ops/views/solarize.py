"""Invert the bright places of views."""

import cv2
import numpy as np
import torch
from torch import Tensor

from rsp.ops.views.operation import Array, Operation


class Solarize(Operation):
    """Replace values v at or above a threshold by 1 - v, as shares of the range.

    Args:
        threshold: From where on, 0 to 1; 128 of 8 bits is 128 / 255.
        prob: Share of images that are changed.
    """

    def __init__(self, threshold: float = 128 / 255, prob: float = 0.5) -> None:
        super().__init__(prob)
        self.threshold = threshold
        # Shares are compared as they are in a batch: 128 / 255 is at a threshold of
        # that, whatever the rounding of a product.
        levels = np.arange(256)
        bright = levels / 255 >= threshold
        self._table = np.where(bright, 255 - levels, levels).astype(np.uint8)

    def draw(self, uniforms: Array) -> Array:
        """Draw which images are changed, shape (N, 1)."""
        return self.applies(uniforms)[:, None]

    def apply(self, image: Array, parameters: Array) -> Array:
        """Invert the bright values of one image."""
        return cv2.LUT(image, self._table) if parameters[0] else image

    def apply_batch(
        self, images: Tensor, parameters: Tensor, cut: bool = True
    ) -> Tensor:
        """Invert the bright values of some images."""
        bounds = torch.where(parameters[:, 0] > 0, self.threshold, torch.inf)
        bright = images >= bounds.to(images.dtype)[:, None, None, None]
        return torch.where(bright, 1 - images, images)
