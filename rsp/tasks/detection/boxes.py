"""Check that boxes can be trained on: inside the image, with an area."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rsp.errors import UserError
from rsp.tasks.common.values import refuse_no_pixels

Box = tuple[float, float, float, float]
# What left + width in a json may exceed the image by, from rounding; pixels.
ROUNDING = 0.01


def fault(box: Sequence[float], width: float, height: float) -> str | None:
    """Describe what is wrong with a box; None if nothing.

    Args:
        box: Left, top, right, bottom in pixels, counted from 0.
        width: Width of the image, pixels.
        height: Height of the image, pixels.
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
    """Return the part of a box inside the image; None if nothing is left.

    Args:
        box: See `fault`.
        width: Width of the image, pixels.
        height: Height of the image, pixels.
    """
    left, top, right, bottom = box
    inside = (max(left, 0.0), max(top, 0.0), min(right, width), min(bottom, height))
    return None if fault(inside, width, height) else inside


def fit(
    box: Sequence[float],
    image: Mapping[str, Any],
    cut_boxes: bool,
    first_pixel: int | None = None,
) -> Sequence[float] | None:
    """Return a box that can be trained on, counted from 0.

    Args:
        box: Left, top, right, bottom in pixels, counted from ``first_pixel``.
        image: mmdet's record, with ``img_path``, ``width`` and ``height``.
        cut_boxes: Cut a box at the image's edge instead of refusing it; None is
            returned if nothing is left. What no edge explains is refused all the same.
        first_pixel: Number of the first column and row; None is 0 without an option.

    Raises:
        UserError: If the box is faulty.
    """
    refuse_no_pixels(box, 'box')
    from_zero = [value - (first_pixel or 0) for value in box]
    wrong = fault(from_zero, image['width'], image['height'])
    if wrong is None:
        return from_zero
    exchanged = from_zero[2] < from_zero[0] or from_zero[3] < from_zero[1]
    if cut_boxes and not exchanged:
        return cut(from_zero, image['width'], image['height'])
    shown = ', '.join(f'{value:g}' for value in box)
    option = '' if first_pixel is None else f', set first_pixel (now {first_pixel})'
    remedy = '' if exchanged else ' or set cut_boxes=True'
    raise UserError(
        f"box ({shown}) in '{image['img_path']}' {wrong}; correct it{option}{remedy}."
    )
