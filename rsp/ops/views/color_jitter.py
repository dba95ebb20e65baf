"""Jitter brightness, contrast, saturation and hue of views."""

from functools import lru_cache
from itertools import permutations

import cv2
import numpy as np
import torch
from torch import Tensor

from rsp.ops.views.kernels.colors import map_affinely, turn_hue, weighted_sum
from rsp.ops.views.operation import Array, Operation, between

Range = tuple[float, float]
# The orders in which brightness, contrast, saturation and hue can change.
ORDERS = np.array(list(permutations(range(4))))
# Of blue, green and red in gray: ITU-R BT.601, as Pillow has it.
WEIGHTS = np.array([0.114, 0.587, 0.299])


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
        """Change the colors of one image, rounded once, at the end.

        In float32, which costs as much as bytes: a turn of the hue has vector
        instructions for floats alone.
        """
        if not parameters[0]:
            return image
        brightness, contrast = parameters[2:-2].reshape(2, -1)
        saturation, hue = parameters[-2:]
        values = np.multiply(image, np.float32(1 / 255), dtype=np.float32)
        # Each result goes into the array that is free: new ones cost more than the
        # arithmetic.
        spare = np.empty_like(values)
        steps = [step for step in ORDERS[int(parameters[1])] if self._does(step)]
        for step in steps:
            if step == 0:
                np.multiply(values, brightness.astype(np.float32), out=values)
            elif step == 1:
                _change_contrast(values, contrast)
            elif step == 2:
                values, spare = _change_saturation(values, saturation, spare), values
            else:
                _turn_hue(values, hue, spare)
                continue  # Within the range already.
            # Rounding cuts off what is above the range, but turns what is below.
            if step != steps[-1] or step:
                np.clip(values, 0, 1, out=values)
        return cv2.convertScaleAbs(values, alpha=255)

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


def _change_contrast(values: Array, factors: Array) -> None:
    """Spread values, in place, around the mean of the gray, or around each band's."""
    height, width, bands = values.shape
    # Along the rows first, which takes half the time of OpenCV's mean.
    sums = values.reshape(height, -1).sum(0).reshape(width, bands).sum(0, np.float64)
    mean = sums / (height * width)
    mean = np.dot(mean, WEIGHTS) if bands == 3 else mean
    np.multiply(values, factors.astype(np.float32), out=values)
    np.add(values, ((1 - factors) * mean).astype(np.float32), out=values)


def _change_saturation(values: Array, factor: float, out: Array) -> Array:
    matrix = factor * np.eye(3) + (1 - factor) * np.tile(WEIGHTS, (3, 1))
    return cv2.transform(values, matrix, dst=out)


def _turn_hue(values: Array, turn: float, spare: Array) -> None:
    """Turn the hue, in place."""
    cv2.cvtColor(values, cv2.COLOR_BGR2HSV, dst=spare)
    # OpenCV takes degrees beyond a full circle, but none below 0.
    spare[..., 0] += (turn % 1) * 360
    cv2.cvtColor(spare, cv2.COLOR_HSV2BGR, dst=values)
