"""Read images as they are stored: what a file holds first, its pixels second."""

from rsp.io.images.color_rule import ColorRule
from rsp.io.images.image_info import ImageInfo
from rsp.io.images.info import read_info
from rsp.io.images.picture import Picture, read_picture, read_pixels
from rsp.io.images.stored import read_stored

__all__ = [
    'ColorRule',
    'ImageInfo',
    'Picture',
    'read_info',
    'read_picture',
    'read_pixels',
    'read_stored',
]
