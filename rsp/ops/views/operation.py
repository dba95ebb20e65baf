"""Define what an operation on the values of a view has to offer."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[Any]


class Operation(ABC):
    """Change the values of a view by parameters that are drawn for each image.

    Args:
        prob: Share of images that are changed.

    Attributes:
        numbers: Uniform numbers that `draw` takes per image.
        columns: Names of the parameters; the first is 1 where the image is changed and
            0 where it is left as it is.
    """

    numbers: int = 1
    columns: tuple[str, ...] = ('applies',)

    def __init__(self, prob: float = 1.0) -> None:
        self.prob = prob

    @property
    def width(self) -> int:
        """Number of parameters per image; more than names if one stands for bands."""
        return len(self.columns)

    @abstractmethod
    def draw(self, uniforms: Array) -> Array:
        """Draw parameters.

        Args:
            uniforms: In [0, 1), shape (N, numbers).

        Returns:
            Shape (N, width), float64.
        """

    @abstractmethod
    def apply(self, image: Array, parameters: Array) -> Array:
        """Change one image.

        Args:
            image: Blue, green, red, shape (H, W, 3), uint8; not modified.
            parameters: Shape (width,).

        Returns:
            The same shape and type.
        """

    @abstractmethod
    def apply_batch(
        self, images: Tensor, parameters: Tensor, cut: bool = True
    ) -> Tensor:
        """Change a batch, on its device and without waiting for it.

        Args:
            images: Shares of the value range, 0 to 1, shape (N, C, H, W), float; three
                bands are blue, green, red; not modified.
            parameters: Shape (N, width), on the same device, float64.
            cut: Whether values are cut to 0..1, as those of bytes are; of floats, black
                and white are a convention that clouds and noise exceed.

        Returns:
            The same shape and type; not rounded.
        """

    def applies(self, uniforms: Array) -> Array:
        """Return 1 for the images that are changed, else 0, shape (N,)."""
        return (uniforms[:, 0] < self.prob).astype(np.float64)


def between(uniforms: Array, low: float, high: float) -> Array:
    """Map uniform numbers of [0, 1) to [low, high)."""
    return low + uniforms * (high - low)
