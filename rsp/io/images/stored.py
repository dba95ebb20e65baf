"""Read an image's values as they are stored, such as the class numbers of a mask."""

import io
from os import PathLike, fspath

import numpy as np
from PIL import Image

from rsp.errors import BrokenFile
from rsp.io.images import headers, rasters
from rsp.io.images.content import content_of, format_of
from rsp.io.images.decoders import decode_stored


def read_stored(path: str | PathLike, content: bytes | None = None) -> np.ndarray:
    """Read all bands as they are stored, of a palette the numbers of its colors.

    Args:
        path: Of the file; with ``content`` only its name.
        content: Of the file, where it comes from elsewhere.

    Returns:
        Shape (H, W) of one band, else (H, W, C), in the order of the file.

    Raises:
        MissingData: If there is no such file.
        BrokenFile: If it is damaged or no image.
    """
    name = fspath(path)
    if content is None:
        content = content_of(name, headers.READERS)
    kind = format_of(content or b'')
    if content is None or kind not in headers.READERS:
        with rasters.open_raster(name, content) as dataset:
            stored = dataset.read().transpose(1, 2, 0)
    else:
        info = headers.READERS[kind](name, io.BytesIO(content))
        if info.palette is not None or info.bits == 1:
            stored = _by_pillow(name, content)
        else:
            stored = decode_stored(content, name)
    return stored[..., 0] if stored.shape[2] == 1 else np.ascontiguousarray(stored)


def _by_pillow(name: str, content: bytes) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(content)) as image:
            return np.asarray(image).astype(np.uint8)[..., None]
    except OSError as error:
        raise BrokenFile(name, str(error)) from None
