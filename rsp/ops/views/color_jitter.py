"""Jitter brightness, contrast, saturation and hue of views."""

from itertools import permutations

import numpy as np
from torch import Tensor

from rsp.ops.views.operation import Array, Operation, between

Range = tuple[float, float]
# The orders in which brightness, contrast, saturation and hue can change.
ORDERS = np.array(list(permutations(range(4))))


class ColorJitter(Operation):
    r"""Change colors in random order, by factors that are drawn for each image.

    Of a view with values v (shares of the range), its gray g = 0.299 r + 0.587 g +
    0.114 b and the mean m of that gray over the view:

    .. math::
        v' = b\,v, \qquad v' = m + c\,(v - m), \qquad v' = g + s\,(v - g),

    each cut to 0..1, and a turn of the hue by h of a full circle: Pillow's
    enhancements, which torchvision and mmpretrain use. Of other than three bands each
    keeps its own mean, and saturation and hue mean nothing.

    Args:
        brightness: Smallest and largest b; (1, 1) leaves it.
        contrast: Smallest and largest c.
        saturation: Smallest and largest s.
        hue: Smallest and largest h, -0.5 to 0.5.
        prob: Share of images that are changed.
        bands: C; three in 8 bits are colors.
        per_band: Whether each of other bands draws factors of its own.
    """

    columns = ('applies', 'order', 'brightness', 'contrast', 'saturation', 'hue')

    def __init__(
        self,
        brightness: Range = (1.0, 1.0),
        contrast: Range = (1.0, 1.0),
        saturation: Range = (1.0, 1.0),
        hue: Range = (0.0, 0.0),
        prob: float = 1.0,
        bands: int = 3,
        per_band: bool = False,
    ) -> None:
        super().__init__(prob)
        self.brightness, self.contrast = brightness, contrast
        self.saturation, self.hue = saturation, hue
        # Factors of brightness and of contrast.
        self.factors = bands if per_band else 1
        self.numbers = 4 + 2 * self.factors

    @property
    def width(self) -> int:
        """Number of parameters, a brightness and a contrast per factor."""
        return 4 + 2 * self.factors

    def draw(self, uniforms: Array) -> Array:
        """Draw parameters: applies, order, b..., c..., s, h; shape (N, width)."""
        count = self.factors
        parts = [
            self.applies(uniforms)[:, None],
            np.floor(len(ORDERS) * uniforms[:, 1:2]),
            between(uniforms[:, 2 : 2 + count], *self.brightness),
            between(uniforms[:, 2 + count : 2 + 2 * count], *self.contrast),
            between(uniforms[:, -2:-1], *self.saturation),
            between(uniforms[:, -1:], *self.hue),
        ]
        return np.concatenate(parts, axis=1)

    def apply(self, image: Array, parameters: Array) -> Array:
        """Change the colors of one image."""
        raise NotImplementedError

    def apply_batch(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Change the values of a batch."""
        raise NotImplementedError
