"""Boxes that can be trained on: inside the image, with an area."""

import math
from collections.abc import Sequence

Box = tuple[float, float, float, float]
# What left + width in a json may exceed the image by, from rounding; pixels.
ROUNDING = 0.01


def fault(box: Sequence[float], width: float, height: float) -> str | None:
    """What is wrong with a box; None if nothing.

    Args:
        box: Left, top, right, bottom in pixels, counted from 0.
        width: Of the image, pixels.
        height: Of the image, pixels.
    """
    left, top, right, bottom = box
    if not all(math.isfinite(value) for value in box):
        return 'has corners that are no numbers'
    if right <= left or bottom <= top:
        return 'has no area: right must be beyond left, and bottom below top'
    over = max(-left, -top, right - width, bottom - height)
    if over > ROUNDING:
        return f'reaches outside the image of {width:g} x {height:g} pixels'
    return None


def cut(box: Sequence[float], width: float, height: float) -> Box | None:
    """The part of a box inside the image; None if nothing is left.

    Args:
        box: See `fault`.
        width: Of the image, pixels.
        height: Of the image, pixels.
    """
    left, top, right, bottom = box
    inside = (max(left, 0.0), max(top, 0.0), min(right, width), min(bottom, height))
    return None if fault(inside, width, height) else inside


def show(box: Sequence[float]) -> str:
    """A box for a message."""
    return '(' + ', '.join(f'{value:g}' for value in box) + ')'
