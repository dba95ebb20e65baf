"""Turn views gray."""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor

from rsp.ops import check
from rsp.ops.views.kernels.colors import weighted_sum
from rsp.ops.views.operation import Array, Operation


class Grayscale(Operation):
    r"""Give all bands the weighted mean :math:`\sum_c w_c v_c / \sum_c w_c`.

    In 8 bits it is rounded to the nearest; mmcv's RandomGrayscale cuts it off.

    Args:
        bands: C.
        prob: Share of images that turn gray.
        weights: Per band, as the image has them (three are blue, green, red); None for
            equal ones.
    """

    def __init__(
        self, bands: int = 3, prob: float = 0.1, weights: Sequence[float] | None = None
    ) -> None:
        super().__init__(prob)
        given = np.ones(bands) if weights is None else np.asarray(weights, np.float64)
        check.equal('weights of the bands', len(given), bands, 'give one per band')
        self.weights = given / given.sum()

    def draw(self, uniforms: Array) -> Array:
        """Draw which images turn gray, shape (N, 1)."""
        return self.applies(uniforms)[:, None]

    def apply(self, image: Array, parameters: Array) -> Array:
        """Turn one image gray, or leave it."""
        if not parameters[0]:
            return image
        # A row for each band: OpenCV has vector instructions for three to three.
        return cv2.transform(image, np.tile(self.weights, (image.shape[2], 1)))

    def apply_batch(
        self, images: Tensor, parameters: Tensor, cut: bool = True
    ) -> Tensor:
        """Turn some images gray."""
        gray = weighted_sum(images, self.weights.tolist())
        return torch.where(parameters[:, :1, None, None] > 0, gray, images)
