"""Invert the bright places of views."""

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

    def draw(self, uniforms: Array) -> Array:
        """Draw which images are changed, shape (N, 1)."""
        return self.applies(uniforms)[:, None]

    def apply(self, image: Array, parameters: Array) -> Array:
        """Invert the bright values of one image."""
        raise NotImplementedError

    def apply_batch(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Invert the bright values of some images."""
        raise NotImplementedError
