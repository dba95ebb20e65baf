"""Blur views by a Gaussian."""

import cv2
import numpy as np
from torch import Tensor

from rsp.ops.views.operation import Array, Operation, between


class GaussianBlur(Operation):
    """Blur by a Gaussian of random width, cut off by a kernel and normalized.

    Args:
        sigma: Smallest and largest standard deviation, pixels.
        prob: Share of images that are blurred.
        kernels: Odd sizes of the kernel, pixels, one of which is drawn; None takes the
            smallest that reaches three deviations (mmpretrain's blur has no kernel).
    """

    numbers = 3
    columns = ('applies', 'sigma', 'kernel')

    def __init__(
        self,
        sigma: tuple[float, float] = (0.1, 2.0),
        prob: float = 0.5,
        kernels: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__(prob)
        self.sigma, self.kernels = sigma, kernels

    def draw(self, uniforms: Array) -> Array:
        """Draw parameters, shape (N, 3)."""
        sigma = between(uniforms[:, 1], *self.sigma)
        if self.kernels is None:
            sizes = 2 * np.ceil(3 * sigma) + 1
        else:
            choice = np.floor(len(self.kernels) * uniforms[:, 2]).astype(np.int64)
            sizes = np.asarray(self.kernels)[choice]
        return np.stack([self.applies(uniforms), sigma, sizes], axis=1)

    def apply(self, image: Array, parameters: Array) -> Array:
        """Blur one image, mirrored at its edges without repeating them."""
        applies, sigma, kernel = parameters
        if not applies:
            return image
        # As floats: OpenCV's weights of bytes are whole numbers of 1/256, which is two
        # levels wrong, and no faster.
        weights = cv2.getGaussianKernel(int(kernel), sigma, cv2.CV_32F)
        blurred = cv2.sepFilter2D(image, cv2.CV_32F, weights, weights)
        return cv2.convertScaleAbs(blurred)

    def apply_batch(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Blur each image by its own Gaussian."""
        raise NotImplementedError
