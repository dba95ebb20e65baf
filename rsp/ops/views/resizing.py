"""Cut a box of an image and resize it, with antialiasing."""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch.nn import functional

from rsp.ops.views.operation import Array

# OpenCV's numbers of flips: mirrored left to right, upside down.
FLIPS = {(1, 0): 1, (0, 1): 0, (1, 1): -1}


def cut_view(
    image: Array,
    geometry: Array,
    size: tuple[int, int],
    cubic: bool = False,
    reduction: int = 1,
) -> Array:
    """Cut a box, resize, mirror and turn it.

    Args:
        image: Shape (h, w, C), uint8; not modified.
        geometry: Row of `Geometry.draw` for the image before its reduction.
        size: Height and width, pixels, before the turn.
        cubic: See `resize`.
        reduction: By which the image is smaller than the one that was drawn for; see
            `snap`.

    Returns:
        Shape (*size, C), uint8; may share memory with the image.
    """
    *box, mirrored, upside_down, turns = map(int, geometry.tolist())
    top, left, height, width = snap(box, reduction)
    view = resize(image[top : top + height, left : left + width], size, cubic)
    if mirrored or upside_down:
        flipped = cv2.flip(view, FLIPS[mirrored, upside_down])
        # OpenCV drops the axis of a single band.
        view = flipped.reshape(view.shape)
    return np.ascontiguousarray(np.rot90(view, turns)) if turns else view


def snap(box: Sequence[int], reduction: int) -> tuple[int, int, int, int]:
    """Find a box in a reduced image, its edges moved to whole pixels, inwards.

    In numbers of Python, which are ten times as fast as short arrays.

    Args:
        box: Top, left, height and width, pixels of the whole image.
        reduction: Whole image over reduced one.

    Returns:
        The same in pixels of the reduced image; none empty if the box is twice as large
        as that, or the reduction is 1.
    """
    top, left, height, width = box
    first, start = -(-top // reduction), -(-left // reduction)
    rows = (top + height) // reduction - first
    return first, start, rows, (left + width) // reduction - start


def resize(image: Array, size: tuple[int, int], cubic: bool = False) -> Array:
    """Resize with the filter widened where the image shrinks, as Pillow does.

    Torch's kernels for bytes differ from Pillow's by one level at most, at a fifth of
    the time; OpenCV's linear ones alias, and those of areas cost as much as Pillow's.

    Args:
        image: Shape (H, W, C), uint8.
        size: Height and width, pixels.
        cubic: Whether the filter is Keys' cubic with a = -0.5, not the triangle.

    Returns:
        Shape (*size, C), uint8; the image itself if it has that size.
    """
    if image.shape[:2] == tuple(size):
        return image
    if not image.flags.writeable or min(image.strides) < 0:
        # Of a memory map, of which torch warns; or mirrored, which it refuses.
        image = image.copy()
    # Strides as channels last has them, so that the result is in this order, too.
    pixels = torch.from_numpy(image)[None].permute(0, 3, 1, 2)
    mode = 'bicubic' if cubic else 'bilinear'
    resized = functional.interpolate(pixels, size, mode=mode, antialias=True)
    return np.ascontiguousarray(resized[0].permute(1, 2, 0).numpy())
