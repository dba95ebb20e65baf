"""Describe an image file by its header alone."""

from os import PathLike, fspath
from pathlib import Path

from rsp.errors import MissingData, UserError
from rsp.io.images import headers, rasters
from rsp.io.images.image_info import ImageInfo
from rsp.io.images.signatures import HEAD, format_of

__all__ = ['ImageInfo', 'read_info']


def read_info(path: str | PathLike) -> ImageInfo:
    """Read what a file says of its pixels, without decoding any.

    The content decides, not the ending: JPEG, PNG, GIF, BMP and WebP are read by their
    headers, everything else by rasterio, which only that needs.

    Args:
        path: Of the file, or a URI that GDAL opens.

    Raises:
        MissingData: If there is no such file.
        UserError: If it is no image, or needs rasterio, which is not installed.
    """
    name = fspath(path)
    if '://' in name or name.startswith('/vsi'):
        return rasters.read_info(name)
    try:
        with Path(path).open('rb') as file:
            head = file.read(HEAD)
            kind = format_of(head)
            if kind in headers.READERS:
                file.seek(0)
                return headers.READERS[kind](name, file)
    except (FileNotFoundError, IsADirectoryError):
        raise MissingData(f"no image at '{name}'.") from None
    except OSError as error:
        raise UserError(
            f"cannot read '{name}': {error.strerror or error}; make it readable."
        ) from None
    if not head:
        raise UserError(f"'{name}' is empty; copy it anew or remove it.")
    return rasters.read_info(name)
