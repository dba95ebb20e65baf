"""Read the values of annotations: flags, and coordinates in pixels."""

import math
from collections.abc import Sequence
from typing import Any

from rsp.errors import UserError

YES, NO = ('1', 'true', 'yes'), ('0', 'false', 'no', '')


def read_flag(value: Any, name: str, expected: str = '0 or 1') -> bool:
    """Read a flag such as ``difficult`` or ``iscrowd``.

    Text is not taken by its truth: ``'0'`` and ``'false'`` are true in Python.

    Args:
        value: 0 or 1, true or false, yes or no, as a number or as text in any case;
            None and empty text are no.
        name: Of the flag, for the message.
        expected: Valid values, for the message.

    Raises:
        UserError: If it is something else.
    """
    text = '' if value is None else str(value).strip().lower()
    if isinstance(value, float) and value.is_integer():
        text = str(int(value))
    if text not in YES + NO:
        raise UserError(f'expected {expected} in {name}, got {value!r}; correct it.')
    return text in YES


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
