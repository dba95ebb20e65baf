"""Decode JPEG, PNG, GIF, BMP and WebP, in memory and fast; TIFF never comes here."""

import io
from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image

from rsp.errors import BrokenFile
from rsp.io.images.image_info import ImageInfo

# All that OpenCV tells.
DAMAGED = 'its content is damaged or cut off'
# Decodes a file's content to blue, green, red, (H, W, 3), uint8; None if it is damaged.
Decode = Callable[[bytes], np.ndarray | None]


def decode_colors(content: bytes) -> np.ndarray | None:
    """Decode to blue, green, red, upright, as mmcv's loader does by default.

    The one place where an ordinary file becomes pixels; its arguments and result are
    those of `Decode`.
    """
    return _decode(content, cv2.IMREAD_COLOR)


def decode_alpha(content: bytes, info: ImageInfo) -> np.ndarray:
    """Decode the transparency of an 8-bit image that has some, upright.

    Returns:
        Shape (H, W), uint8, 0 where nothing is to be seen.
    """
    stored = _decode(content, cv2.IMREAD_UNCHANGED)
    if stored is not None and stored.ndim == 3 and stored.shape[2] == 4:
        return turn(stored[..., 3], info.orientation)
    with Image.open(io.BytesIO(content)) as image:  # OpenCV knows no transparent gray.
        return turn(np.asarray(image.convert('RGBA'))[..., 3], info.orientation)


def decode_stored(content: bytes, path: str) -> np.ndarray:
    """Decode the bands of an image of more than 8 bits as they are stored.

    Returns:
        Shape (H, W, C), C as the file has it; red, green, blue, alpha.

    Raises:
        BrokenFile: If the content is damaged.
    """
    stored = _decode(content, cv2.IMREAD_UNCHANGED)
    if stored is None:
        raise BrokenFile(path, DAMAGED)
    if stored.ndim == 2:
        return stored[..., None]
    return np.ascontiguousarray(stored[..., [2, 1, 0, 3][: stored.shape[2]]])


def turn(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turn and flip an image upright.

    Args:
        pixels: Shape (H, W, ...).
        orientation: Of EXIF, 1 to 8.
    """
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    down, across = {2: (1, -1), 3: (-1, -1), 4: (-1, 1), 6: (1, -1), 7: (-1, -1),
                    8: (-1, 1)}.get(orientation, (1, 1))  # fmt: skip
    return np.ascontiguousarray(pixels[::down, ::across])


def _decode(content: bytes, flags: int) -> np.ndarray | None:
    try:
        return cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error:  # Of an empty file, and of one that is too large.
        return None
