"""Blur views by a Gaussian."""

import math
from functools import lru_cache

import cv2
import numpy as np
import torch
from torch import Tensor

from rsp.ops.views.kernels.separable import filter_separably
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
        widest = 2 * math.ceil(3 * sigma[1]) + 1 if kernels is None else max(kernels)
        self.reach = int(widest) // 2

    def draw(self, uniforms: Array) -> Array:
        """Draw parameters, shape (N, 3)."""
        sigma = between(uniforms[:, 1], *self.sigma)
        if self.kernels is None:
            sizes = 2 * np.ceil(3 * sigma) + 1
        else:
            choice = np.floor(len(self.kernels) * uniforms[:, 2]).astype(np.int64)
            sizes = np.asarray(self.kernels)[choice]
        return np.array([self.applies(uniforms), sigma, sizes]).T

    def apply(self, image: Array, parameters: Array) -> Array:
        """Blur one image, mirrored at its edges without repeating them."""
        applies, sigma, kernel = parameters
        if not applies:
            return image
        weights = cv2.getGaussianKernel(int(kernel), sigma, cv2.CV_32F)
        if 255 * (1 - weights.max() ** 2) < 0.5:  # No neighbor can change a level.
            return image
        # As floats: OpenCV's weights of bytes are whole numbers of 1/256, which is two
        # levels wrong, and no faster.
        blurred = cv2.sepFilter2D(image, cv2.CV_32F, weights, weights)
        return cv2.convertScaleAbs(blurred)

    def apply_batch(
        self, images: Tensor, parameters: Tensor, cut: bool = True
    ) -> Tensor:
        """Blur each image by its own Gaussian, as a matrix for each axis."""
        taps = self._taps(parameters).to(images.dtype)
        vertical, horizontal = (
            (taps @ _mirrored_taps(taps.shape[1], edge, taps.dtype, taps.device)).view(
                -1, edge, edge
            )
            for edge in images.shape[2:]
        )
        return filter_separably(images, vertical, horizontal, images.dtype)

    def _taps(self, parameters: Tensor) -> Tensor:
        """Compute the kernels, all of the largest size, shape (N, K)."""
        applies, sigma, kernel = parameters[..., None].unbind(1)  # each (N, 1)
        places = torch.arange(-self.reach, self.reach + 1, device=sigma.device)
        taps = torch.exp(-0.5 * (places / sigma).square())
        # Another image keeps its central pixel.
        reach = torch.where(applies > 0, (kernel - 1) / 2, 0)
        taps = taps * (places.abs() <= reach)
        return taps / taps.sum(1, keepdim=True)


@lru_cache(maxsize=16)
def _mirrored_taps(
    count: int, edge: int, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """Return 1 where a tap at an output reads an input, shape (K, edge * edge)."""
    taps = np.arange(count)[:, None] - count // 2
    line = np.arange(edge)
    # Mirrored at the edges without repeating them, as often as it takes.
    period = max(2 * (edge - 1), 1)
    places = np.abs((line + taps + edge - 1) % period - (edge - 1))
    reads = torch.from_numpy(places)[..., None] == torch.arange(edge)
    return reads.flatten(1).to(dtype).to(device, non_blocking=True)
