"""Read images as they are stored: what a file holds first, its pixels second."""

from rsp.io.images.info import ImageInfo, read_info

__all__ = ['ImageInfo', 'read_info']
