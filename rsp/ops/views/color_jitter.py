"""Jitter brightness, contrast, saturation and hue of views."""

from functools import lru_cache
from itertools import permutations

import numpy as np
import torch
from torch import Tensor

from rsp.ops.views.kernels.color_values import WEIGHTS, change_bands, change_colors
from rsp.ops.views.kernels.colors import map_affinely, turn_hue, weighted_sum
from rsp.ops.views.operation import Array, Operation

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
        self.factors = count = bands if per_band else 1
        self.numbers = 4 + 2 * self.factors
        bounds = [(0.0, float(len(ORDERS))), *[brightness] * count, *[contrast] * count]
        self._low, high = np.array([*bounds, saturation, hue], np.float64).T
        self._span = high - self._low

    @property
    def width(self) -> int:
        """Number of parameters, a brightness and a contrast per factor."""
        return 4 + 2 * self.factors

    def draw(self, uniforms: Array) -> Array:
        """Draw parameters: applies, order, b..., c..., s, h; shape (N, width)."""
        drawn = np.empty_like(uniforms)
        drawn[:, 0] = self.applies(uniforms)
        drawn[:, 1:] = self._low + uniforms[:, 1:] * self._span
        drawn[:, 1] //= 1
        return drawn

    def apply(self, image: Array, parameters: Array) -> Array:
        """Change the colors of one image, rounded once, at the end.

        In float32, which costs as much as bytes: a turn of the hue has vector
        instructions for floats alone.
        """
        if not parameters[0]:
            return image
        steps = [step for step in ORDERS[int(parameters[1])] if self._does(step)]
        if image.shape[2] == 3 and self.factors == 1:
            return change_colors(image, steps, parameters[2:].tolist())
        return change_bands(image, steps, parameters[2:-2].reshape(2, -1))

    def _does(self, step: int) -> bool:
        """Tell whether a step changes anything."""
        ranges = (self.brightness, self.contrast, self.saturation, self.hue)
        return tuple(ranges[step]) != ((0, 0) if step == 3 else (1, 1))

    def apply_batch(
        self, images: Tensor, parameters: Tensor, cut: bool = True
    ) -> Tensor:
        """Change the values of a batch.

        Brightness, contrast and saturation are affine maps of value, gray and mean. So
        all images go through the same program, whatever their order: as many maps as
        there are, the turn of the hue, and as many maps again; those that do not stand
        there in an image's order leave it as it is.
        """
        colors = images.shape[1] == 3
        turned = colors and tuple(self.hue) != (0, 0)
        changes = self._changes(colors)
        drawn = parameters[:, 0] > 0
        row = torch.where(drawn, parameters[:, 1], len(ORDERS)).long()
        steps = _program(changes, turned, images.device)[row]  # (N, maps)
        shares = [part.to(images.dtype) for part in self._shares(steps, parameters)]
        maps = list(zip(*shares, strict=True))
        images = _map(images, maps[: len(changes)], 2 in changes, cut)
        if not turned:
            return images
        turns = (parameters[:, -1] * drawn).to(images.dtype)
        images = turn_hue(images, turns[:, None, None, None])
        return _map(images, maps[len(changes) :], 2 in changes, cut)

    def _changes(self, colors: bool) -> tuple[int, ...]:
        """Return which of brightness, contrast and saturation change anything."""
        ranges = (self.brightness, self.contrast, self.saturation)
        return tuple(
            number
            for number, bounds in enumerate(ranges[: 3 if colors else 2])
            if tuple(bounds) != (1, 1)
        )

    def _shares(self, steps: Tensor, parameters: Tensor) -> tuple[Tensor, ...]:
        """Return the shares of value, mean and gray, each (maps, N, 1 or C, 1, 1)."""
        steps = steps.T[..., None]
        bright, spread = parameters[:, 2:-2].chunk(2, dim=1)
        colorful = parameters[:, -2:-1]
        one = torch.ones_like(colorful)
        own = torch.where(steps == 2, colorful, one)
        own = torch.where(steps == 0, bright, torch.where(steps == 1, spread, own))
        mean = torch.where(steps == 1, 1 - spread, 0)
        gray = torch.where(steps == 2, 1 - colorful, 0)
        return tuple(part[..., None, None] for part in (own, mean, gray))


def _map(
    images: Tensor, maps: list[tuple[Tensor, ...]], saturated: bool, cut: bool
) -> Tensor:
    for own, mean, gray in maps:
        luma = (
            weighted_sum(images, WEIGHTS.tolist()) if images.shape[1] == 3 else images
        )
        images = map_affinely(images, luma, own, mean, gray if saturated else None)
        if cut:
            images.clamp_(0, 1)
    return images


@lru_cache(maxsize=16)
def _program(changes: tuple[int, ...], turned: bool, device: torch.device) -> Tensor:
    """Return which change each map is in each of ``ORDERS``; -1 for none.

    Shape (25, maps); the last row is of images that are left as they are.
    """
    count = len(changes)
    rows = np.full((len(ORDERS) + 1, count * (2 if turned else 1)), -1)
    for row, order in zip(rows, ORDERS.tolist(), strict=False):
        inner = [step for step in order if step in changes]
        for place, step in enumerate(inner):
            late = turned and order.index(step) > order.index(3)
            row[place + late * count] = step
    return torch.from_numpy(rows).to(device, non_blocking=True)
