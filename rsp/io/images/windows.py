"""Read windows of an image of any size as 8-bit colors."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import PathLike, fspath

import numpy as np

from rsp.io.images import headers, rasters
from rsp.io.images.color_rule import MOST_PIXELS, ColorRule
from rsp.io.images.image_info import ImageInfo
from rsp.io.images.raster_colors import RasterColors
from rsp.io.images.reading import PLAIN, read_info, read_picture
from rsp.io.stores import split_path


class ImageWindows:
    """Read windows of one image.

    Attributes:
        info: Its header.
        shape: Height and width, pixels, as it is read.
        notes: See `Picture.notes`; each window may add some.
    """

    def __init__(
        self,
        info: ImageInfo,
        read: Callable[[int, int, int, int], np.ndarray],
        notes: set[str],
    ) -> None:
        self.info, self.shape, self.notes = info, info.shape, notes
        self._read = read

    def read(self, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Read a window, cut at the image's edge; red, green, blue, (H, W, 3)."""
        bottom, right = (
            min(top + height, self.shape[0]),
            min(left + width, self.shape[1]),
        )
        return self._read(top, left, bottom, right)


@contextmanager
def open_windows(
    path: str | PathLike, rule: ColorRule = PLAIN
) -> Iterator[ImageWindows]:
    """Open an image to read windows of it.

    TIFF and all else that rasterio reads stay on the disk, of any size; so do pictures
    that are too large to be decoded whole.

    Args:
        path: Of the file.
        rule: How it becomes colors.

    Raises:
        MissingData, BrokenFile, UserError: See `read_picture`.
    """
    name = fspath(path)
    info = read_info(name)
    rule.require(info)
    fits = info.height * info.width <= MOST_PIXELS
    if (info.format in headers.READERS or split_path(name)) and fits:
        picture = read_picture(name, rule)
        pixels = picture.pixels
        yield ImageWindows(
            info,
            lambda top, left, bottom, right: pixels[top:bottom, left:right],
            {*picture.notes},
        )
        return
    with rasters.open_raster(name) as dataset:
        colors = RasterColors(dataset, rasters.info_of(dataset, name), rule)

        def read(top: int, left: int, bottom: int, right: int) -> np.ndarray:
            from rasterio.windows import Window

            return colors.read(Window(left, top, right - left, bottom - top))

        yield ImageWindows(colors.info, read, colors.notes)
