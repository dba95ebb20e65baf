"""Read images as they are stored: what a file holds first, its pixels second."""

from rsp.io.images.color_rule import ColorRule
from rsp.io.images.decoders import MENDED
from rsp.io.images.image_info import ImageInfo
from rsp.io.images.reading import (
    PLAIN,
    Content,
    Picture,
    read_content,
    read_info,
    read_picture,
    read_pixels,
    read_stored,
)
from rsp.io.images.windows import ImageWindows, open_windows

__all__ = [
    'MENDED',
    'PLAIN',
    'ColorRule',
    'Content',
    'ImageInfo',
    'ImageWindows',
    'Picture',
    'open_windows',
    'read_content',
    'read_info',
    'read_picture',
    'read_pixels',
    'read_stored',
]
