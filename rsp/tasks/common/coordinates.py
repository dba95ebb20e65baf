"""Refuse coordinates that are no pixels."""

import math
from collections.abc import Sequence

from rsp.errors import UserError


def refuse_no_pixels(values: Sequence[float], noun: str) -> None:
    """Refuse coordinates that are no numbers, or shares of the image as in YOLO.

    Whole numbers are pixels: a box may be that of the first one.

    Args:
        values: Coordinates of one object.
        noun: What they are, for the message.

    Raises:
        UserError: If one is not finite, or all lie within 0 to 1.
    """
    shown = ', '.join(f'{value:g}' for value in values)
    if not all(math.isfinite(value) for value in values):
        raise UserError(
            f'{noun} ({shown}) has corners that are no numbers; correct it.'
        )
    if all(0 <= v <= 1 for v in values) and any(v not in (0, 1) for v in values):
        raise UserError(
            f'{noun} ({shown}) is given in shares of the image, 0 to 1, as YOLO does; '
            'expected pixels: multiply x by its width and y by its height.'
        )
