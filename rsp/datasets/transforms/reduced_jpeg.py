"""Decode a JPEG at about the size that is needed."""

from typing import NamedTuple

import numpy as np

from rsp.io.images.decoders import decode_jpeg
from rsp.io.images.headers import ordinary_jpeg


class ReducedJpeg(NamedTuple):
    """Store an image, smaller than its file.

    Attributes:
        pixels: Shape (h, w, 3), uint8, BGR, upright.
        shape: Height and width of the file's image, upright.
        reduction: 1, 2, 4 or 8.
    """

    pixels: np.ndarray
    shape: tuple[int, int]
    reduction: int


def reduce_jpeg(content: object, min_size: int) -> ReducedJpeg | None:
    """Decode an ordinary JPEG, reduced by 8, 4 or 2 where its edges stay long enough.

    Args:
        content: Of a file; anything else is none of these.
        min_size: Whole pixels that both edges keep, unless the file has fewer.

    Returns:
        None of any other file, and of one that libjpeg has anything to object to.
    """
    frame = ordinary_jpeg(content) if isinstance(content, bytes) else None
    if not isinstance(content, bytes) or frame is None:
        return None
    long_enough = (n for n in frame.reductions if min(frame.shape) // n >= min_size)
    reduction = next(long_enough, 1)
    pixels = decode_jpeg(content, frame, reduction=reduction)
    return None if pixels is None else ReducedJpeg(pixels, frame.shape, reduction)
