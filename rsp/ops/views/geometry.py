"""Draw where a view is cut from, and how it is mirrored and turned."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import add

import numpy as np

from rsp.ops.views.operation import Array, between

# Tries to fit a crop into an image before the central one is taken, as in torchvision
# and mmpretrain.
TRIES = 10
# Images up to which numbers of Python are faster than short arrays.
FEW = 8
COLUMNS = ('top', 'left', 'height', 'width', 'mirrored', 'upside_down', 'turns')


@dataclass(frozen=True)
class Geometry:
    """Draw a box of the image; the part is resized, mirrored, then turned.

    Boxes are those of mmpretrain's and torchvision's RandomResizedCrop: a share of the
    area and a logarithm of the ratio of width to height, uniform, and a place where it
    fits; the central one after ten tries that do not fit.

    Attributes:
        size: Height and width of the view, pixels.
        area: Smallest and largest share of the image's area; None takes the whole.
        aspect: Smallest and largest ratio of width to height.
        mirror: Share of views mirrored left to right.
        upside_down: Share of views mirrored top to bottom.
        turn: Share of views for which one of four quarter turns is drawn, the one by 0
            degrees among them.
        cubic: Whether the part is resized by cubic interpolation, not linear.
    """

    size: tuple[int, int]
    area: tuple[float, float] | None = (0.08, 1.0)
    aspect: tuple[float, float] = (3 / 4, 4 / 3)
    mirror: float = 0.0
    upside_down: float = 0.0
    turn: float = 0.0
    cubic: bool = False

    @property
    def numbers(self) -> int:
        """Uniform numbers per image."""
        return 4 * TRIES + 4

    def draw(self, uniforms: Array, sizes: Array) -> Array:
        """Draw boxes, mirrors and turns.

        Args:
            uniforms: Shape (N, numbers).
            sizes: Height and width of the images, pixels, shape (N, 2).

        Returns:
            Shape (N, 7): whole numbers in the order of ``COLUMNS``; boxes in pixels of
            the image, turns by 90 degrees counterclockwise.
        """
        sizes = np.asarray(sizes, np.float64)
        crops, rest = uniforms[:, : 4 * TRIES], uniforms[:, 4 * TRIES :]
        crops = crops.reshape(-1, TRIES, 4)
        few = self.area is not None and len(sizes) <= FEW
        boxes = self._few_boxes(crops, sizes) if few else self._boxes(crops, sizes)
        # One number decides whether a turn is drawn, and which.
        turns = np.floor(4 * rest[:, 3]) * (rest[:, 2] < self.turn)
        flips = rest[:, :2] < (self.mirror, self.upside_down)
        return np.concatenate([boxes, flips, turns[:, None]], axis=1)

    def _few_boxes(self, uniforms: Array, sizes: Array) -> list[list[float]]:
        """Return what `_boxes` does, to the bit."""
        # The one function that Python's and NumPy's libraries round differently.
        ratios = np.exp(between(uniforms[..., 1], *np.log(self.aspect)))
        zipped = zip(uniforms.tolist(), ratios.tolist(), sizes.tolist(), strict=True)
        return [self._one_box(*image) for image in zipped]

    def _one_box(
        self, tries: list[list[float]], ratios: list[float], size: list[float]
    ) -> list[float]:
        assert self.area is not None
        (low, high), (height, width) = self.area, size
        for (share, _, down, right), ratio in zip(tries, ratios, strict=True):
            pixels = height * width * (low + share * (high - low))
            rows = round(math.sqrt(pixels / ratio))
            columns = round(math.sqrt(pixels * ratio))
            if 0 < rows <= height and 0 < columns <= width:
                top = math.floor(down * (height - rows + 1))
                left = math.floor(right * (width - columns + 1))
                return [top, left, rows, columns]
        return self._central(np.array([size]))[0].tolist()

    def _boxes(self, uniforms: Array, sizes: Array) -> Array:
        if self.area is None:
            return np.concatenate([np.zeros_like(sizes), sizes], axis=1)
        pixels = sizes.prod(1)[:, None] * between(uniforms[..., 0], *self.area)
        ratio = np.exp(between(uniforms[..., 1], *np.log(self.aspect)))
        edges = np.rint(np.sqrt(np.stack([pixels / ratio, pixels * ratio], axis=2)))
        fits = ((edges > 0) & (edges <= sizes[:, None])).all(2)
        first = fits.argmax(1)
        rows = np.arange(len(sizes))
        edges, places = edges[rows, first], uniforms[rows, first, 2:]
        corners = np.floor(places * (sizes - edges + 1))
        boxes = np.concatenate([corners, edges], axis=1)
        return np.where(fits.any(1)[:, None], boxes, self._central(sizes))

    def _central(self, sizes: Array) -> Array:
        height, width = sizes.T
        rows = np.minimum(height, np.rint(width / self.aspect[0]))
        columns = np.minimum(width, np.rint(height * self.aspect[1]))
        edges = np.stack([rows, columns], axis=1)
        return np.concatenate([(sizes - edges) // 2, edges], axis=1)


def covering(boxes: Sequence[Sequence[int]]) -> tuple[int, int, int, int]:
    """Return the smallest box that covers some.

    Args:
        boxes: Top, left, height and width of each.
    """
    tops, lefts, heights, widths = zip(*boxes, strict=True)
    top, left = min(tops), min(lefts)
    bottom, right = max(map(add, tops, heights)), max(map(add, lefts, widths))
    return top, left, bottom - top, right - left
