"""Read pixels of open rasters and their valid mask."""

from collections.abc import Sequence

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.errors import RasterioIOError
from rasterio.windows import Window as RasterWindow

from rsp.errors import UserError
from rsp.geo.files.palette import path_of
from rsp.geo.nodata import valid_pixels
from rsp.geo.scene import Scene
from rsp.io.images.masking import declared_valid


def read_pixels(
    dataset: rasterio.DatasetReader,
    scene: Scene,
    bands: Sequence[int],
    window: RasterWindow | None = None,
    out_shape: tuple[int, int] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Read bands and the valid mask.

    Args:
        dataset: Open file.
        scene: Its description.
        bands: C numbers, from 1.
        window: Part to read; None reads all.
        out_shape: Height and width to average to; None keeps the pixels.

    Returns:
        Pixels, shape (H, W, C), and their valid mask, bool, shape (H, W).

    Raises:
        UserError: If the file is damaged.
    """
    shape = None if out_shape is None else (len(bands), *out_shape)
    # Averages of palette indices are other colors.
    reduce = Resampling.nearest if scene.palette else Resampling.average
    try:
        pixels = dataset.read(
            list(bands), window=window, out_shape=shape, resampling=reduce
        )
        declared = declared_valid(dataset, scene.alphas, window, out_shape)
    except RasterioIOError as error:
        raise UserError(
            f"cannot read all of '{path_of(dataset)}': {error.__cause__ or error}; "
            'copy it anew or remove it.'
        ) from None
    nodata = tuple(scene.nodata[band - 1] for band in bands)
    valid = valid_pixels(pixels, nodata, declared)
    return np.ascontiguousarray(pixels.transpose(1, 2, 0)), valid
