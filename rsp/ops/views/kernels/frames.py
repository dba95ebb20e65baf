"""Know where pixels that a loader sends lie in the image that views are drawn for."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rsp.errors import UserError

Array = NDArray[Any]


class Frame(NamedTuple):
    """Locate sent pixels; whole numbers, which travel as a row of a tensor.

    Attributes:
        seed: Of the views, 0 to 2**32 - 1.
        height: Of the image that views are drawn for, upright, pixels.
        width: Likewise.
        reduction: Pixels of that image per sent one, along each axis.
        top: Row of the reduced image where the sent part begins.
        left: Column likewise.
        rows: Height of the sent part, pixels.
        columns: Width likewise.
    """

    seed: int
    height: int
    width: int
    reduction: int
    top: int
    left: int
    rows: int
    columns: int


def boxes_in_frames(boxes: Array, frames: Array) -> Array:
    """Move boxes of images to the pixels that were sent.

    Edges go to whole pixels of a reduced image, inwards, as those of one box do by
    `rsp.ops.views.resizing.snap`.

    Args:
        boxes: Top, left, height and width, pixels, shape (N, 4).
        frames: Rows of `Frame`, shape (N, 8).

    Returns:
        Shape (N, 4), pixels of the sent parts.

    Raises:
        UserError: If a box is not inside: loader and model know different views.
    """
    reduction, corners = frames[:, 3:4], frames[:, 4:6]
    first = -(-boxes[:, :2] // reduction)
    last = (boxes[:, :2] + boxes[:, 2:]) // reduction
    first, last = first - corners, last - corners
    if ((first < 0) | (last > frames[:, 6:8]) | (first >= last)).any():
        raise UserError(
            'expected the boxes of all views inside of what the loader sends, got one '
            "beside it; give 'transforms' and 'num_views' of rsp.LoadForDevice and of "
            'the data preprocessor rsp.DeviceViews the same values.'
        )
    return np.concatenate([first, last - first], axis=1)


def whole_frames(frames: Array) -> Array:
    """Return the geometry that takes all of the images that were sent.

    Args:
        frames: Rows of `Frame`, shape (N, 8).

    Returns:
        Shape (N, 7), rows as of `rsp.ops.views.Geometry.draw`.

    Raises:
        UserError: If parts were sent.
    """
    if (frames[:, 1:3] != frames[:, 6:8]).any():
        raise UserError(
            'expected whole images for resize_first of rsp.DeviceViews, got parts; '
            "take dict(type='rsp.LoadImageFromFile', min_size=...) in the place of "
            'rsp.LoadForDevice.'
        )
    geometry = np.zeros((len(frames), 7))
    geometry[:, 2:4] = frames[:, 6:8]
    return geometry
