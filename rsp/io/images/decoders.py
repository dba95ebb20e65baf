"""Decode JPEG, PNG, GIF, BMP and WebP, in memory and fast; TIFF never comes here."""

import io
import os
import threading
from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image

from rsp.errors import BrokenFile
from rsp.io.images.headers import JpegFrame
from rsp.io.images.image_info import ImageInfo

try:
    import simplejpeg
except ImportError:
    simplejpeg = None

# All that OpenCV tells.
DAMAGED = 'its content is damaged or cut off'
# Said of a JPEG by libjpeg, which decodes it nevertheless, as Pillow and OpenCV do.
DAMAGE = (b'Corrupt JPEG data', b'Premature end of JPEG', b'Inconsistent progression')
MENDED = 'damaged JPEG data, so that some pixels may be wrong (libjpeg mended it)'
# Decodes a file's content to blue, green, red, (H, W, 3), uint8; None if it is damaged.
Decode = Callable[[bytes], np.ndarray | None]


def decode_colors(content: bytes) -> np.ndarray | None:
    """Decode to blue, green, red, upright, as mmcv's loader does by default.

    The one place where an ordinary file becomes pixels; its arguments and result are
    those of `Decode`.
    """
    return _decode(content, cv2.IMREAD_COLOR)


def decode_jpeg(
    content: bytes, frame: JpegFrame, order: str = 'bgr', reduction: int = 1
) -> np.ndarray | None:
    """Decode an ordinary JPEG, upright; the same pixels as `decode_colors` if whole.

    By simplejpeg where it is installed: OpenCV's wheels hold a libjpeg-turbo without
    vector instructions, which takes twice as long.

    Args:
        content: Of the file.
        frame: Of its header.
        order: ``'rgb'`` or ``'bgr'``.
        reduction: 1, 2, 4 or 8: the discrete cosine transform gives that many times
            fewer pixels each way, rounded up, of their mean value nearly, from the
            corner of the file on. Other numbers have no vector instructions, and take
            longer than the whole.

    Returns:
        Shape (H, W, 3), uint8; None if libjpeg has anything to object to, or can only
        be asked by OpenCV, whose objections nobody hears.
    """
    if simplejpeg is None:
        return None
    smallest = {}
    if reduction > 1:
        smallest = dict(
            min_height=-(-frame.height // reduction),
            min_width=-(-frame.width // reduction),
        )
    try:
        pixels = simplejpeg.decode_jpeg(content, order, strict=True, **smallest)
    except ValueError:
        return None
    return pixels if frame.orientation == 1 else turn(pixels, frame.orientation)


def listen(decode: Decode, content: bytes) -> tuple[np.ndarray | None, bool]:
    """Decode, and tell whether libjpeg met damage that it mended.

    It says so on the error stream of the process alone, which is listened to meanwhile,
    on Linux. All else that is written there goes on to it.

    Args:
        decode: Decodes ``content``.
        content: Of a file.

    Returns:
        What ``decode`` returns, and whether some pixels may be wrong.
    """
    if not content.startswith(b'\xff\xd8') or not hasattr(os, 'memfd_create'):
        return decode(content), False
    with _listening:
        try:
            stream = os.dup(2)
        except OSError:  # It is closed.
            return decode(content), False
        ear = os.memfd_create('rsp-decoder')
        try:
            os.dup2(ear, 2)
            try:
                pixels = decode(content)
            finally:
                os.dup2(stream, 2)
            heard = os.pread(ear, os.lseek(ear, 0, os.SEEK_CUR), 0)
        finally:
            os.close(ear)
            os.close(stream)
    lines = heard.splitlines(keepends=True)
    others = b''.join(line for line in lines if not line.startswith(DAMAGE))
    if others:
        os.write(2, others)
    return pixels, any(line.startswith(DAMAGE) for line in lines)


# No process is to start while the stream is redirected, which it would inherit.
_listening = threading.Lock()
if hasattr(os, 'register_at_fork'):
    os.register_at_fork(
        before=_listening.acquire,
        after_in_parent=_listening.release,
        after_in_child=_listening.release,
    )


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
