"""Change brightness, contrast, saturation and hue of one image on the host."""

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
# Of blue, green and red in gray: ITU-R BT.601, as Pillow has it.
WEIGHTS = np.array([0.114, 0.587, 0.299])
# Shares of a value and of its gray, and what is added, that leave it as it is.
NOTHING = (1.0, 0.0, 0.0)
# Numbers of a strip: two of 300 kB, and what they are made of.
STRIP = 224 * 3 * 112
# Changes values, of which it may leave the result in the second array: then true.
Pass = Callable[[Array, Array], bool]


def change_colors(
    image: Array, steps: Sequence[int], factors: Sequence[float]
) -> Array:
    """Change colors step by step; see `rsp.ops.views.ColorJitter`.

    All but the hue map a value v and its gray g to a v + b g + c, cut to the range.
    Those that cannot leave it, with a factor of 1 at most, wait for the next one, so
    that both take one pass. Passes follow each other on strips of the image, which stay
    in the cache of a core; up to the contrast, for which the mean has to be known.

    Args:
        image: Blue, green, red, shape (H, W, 3), uint8; not modified.
        steps: Numbers of the changes, in the order of ``factors``.
        factors: Of brightness, contrast and saturation, and the turn of the hue.

    Returns:
        The same shape and type.
    """
    values: Array = image
    passes: list[Pass] = []
    waiting = NOTHING
    for step in steps:
        factor, (own, luma, shift) = factors[step], waiting
        leaves_range = not 0 <= factor <= 1
        if step == 0:
            waiting = factor * own, factor * luma, factor * shift
        elif step == 1:
            if passes:
                values, passes = _run(values, passes, np.float32), []
            mean = (own + luma) * float(_means(values) @ WEIGHTS) + shift
            shift = factor * shift + (1 - factor) * mean
            waiting = factor * own, factor * luma, shift
        elif step == 2:
            waiting = factor * own, factor * luma + (1 - factor) * (own + luma), shift
        if waiting != NOTHING and (leaves_range or step == 3):
            passes.append(_mapping(*waiting, cut=leaves_range and step != 3))
            waiting = NOTHING
        if step == 3:
            passes.append(_turning(factor, image.shape[1]))
    if waiting != NOTHING:
        passes.append(_mapping(*waiting, cut=False))
    return _run(values, passes, np.uint8)


def _run(values: Array, passes: Sequence[Pass], dtype: type) -> Array:
    """Let passes change an image strip by strip, each from one buffer to another."""
    result: Array = np.empty(values.shape, dtype)
    count = min(STRIP // values[0].size + 1, len(values))
    one, other = np.empty((2, count, *values.shape[1:]), np.float32)
    for top in range(0, len(values), count):
        part = values[top : top + count]
        here, there = one[: len(part)], other[: len(part)]
        np.copyto(here, part)
        for change in passes:
            if change(here, there):
                here, there = there, here
        if dtype == np.uint8:
            cv2.convertScaleAbs(here, dst=result[top : top + count])
        else:
            result[top : top + count] = here
    return result


def _mapping(own: float, luma: float, shift: float, cut: bool) -> Pass:
    matrix = np.full((3, 4), shift)
    matrix[:, :3] = luma * WEIGHTS
    matrix[[0, 1, 2], [0, 1, 2]] += own

    def change(values: Array, out: Array) -> bool:
        cv2.transform(values, matrix, dst=out)
        if cut:
            out.clip(0, 255, out=out)
        return True

    return change


def _turning(turn: float, width: int) -> Pass:
    # OpenCV takes degrees beyond a full circle, but none below 0. Line by line, as to
    # add to every third value takes twice as long.
    line = np.zeros((width, 3), np.float32)
    line[:, 0] = (turn % 1) * 360

    def change(values: Array, spare: Array) -> bool:
        cv2.cvtColor(values, cv2.COLOR_BGR2HSV, dst=spare)
        rows = spare.reshape(len(spare), -1)
        np.add(rows, line.ravel(), out=rows)
        cv2.cvtColor(spare, cv2.COLOR_HSV2BGR, dst=values)
        return False

    return change


def change_bands(image: Array, steps: Sequence[int], factors: Array) -> Array:
    """Change brightness and contrast band by band.

    Args:
        image: Shape (H, W, C), uint8; not modified.
        steps: Numbers of the changes, 0 and 1.
        factors: Of both, shape (2, C) or (2, 1).

    Returns:
        The same shape and type.
    """
    values = image.astype(np.float32)
    for step in steps:
        if step == 1:
            shift = (1 - factors[1]) * _means(values)
        np.multiply(values, factors[step].astype(np.float32), out=values)
        if step == 1:
            np.add(values, shift.astype(np.float32), out=values)
        np.clip(values, 0, 255, out=values)
    return cv2.convertScaleAbs(values)


def _means(values: Array) -> Array:
    if values.dtype == np.uint8:
        return np.array(cv2.mean(values))[: values.shape[2]]
    height, width, bands = values.shape
    # Along the rows first, which takes half the time of OpenCV's mean.
    sums = values.reshape(height, -1).sum(0).reshape(width, bands).sum(0, np.float64)
    return sums / (height * width)
