"""Describe an image file by its header alone."""

from os import PathLike, fspath
from pathlib import Path

from rsp.io.images import headers, rasters
from rsp.io.images.content import HEAD, content_of, format_of
from rsp.io.images.image_info import ImageInfo


def read_info(path: str | PathLike) -> ImageInfo:
    """Read what a file says of its pixels, without decoding any.

    The content decides, not the ending: JPEG, PNG, GIF, BMP and WebP are read by their
    headers, everything else by rasterio, which only that needs.

    Args:
        path: Of the file, or a URI that GDAL opens.

    Raises:
        MissingData: If there is no such file.
        BrokenFile: If it is no image.
        UserError: If it needs rasterio, which is not installed.
    """
    name = fspath(path)
    head = content_of(name, headers.READERS, HEAD)
    if head is None:
        return rasters.read_info(name)
    with Path(name).open('rb') as file:
        return headers.READERS[format_of(head)](name, file)
