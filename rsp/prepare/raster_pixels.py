"""Read pixels of open rasters and their valid mask."""

from collections.abc import Sequence

import numpy as np
import rasterio
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import RasterioIOError
from rasterio.windows import Window as RasterWindow

from rsp.errors import UserError
from rsp.geo.nodata import valid_pixels
from rsp.geo.scene import Scene


def data_bands(dataset: rasterio.DatasetReader) -> list[int]:
    """Return the numbers, from 1, of the bands that are not alpha."""
    return [
        band
        for band, meaning in zip(dataset.indexes, dataset.colorinterp, strict=True)
        if meaning != ColorInterp.alpha
    ]


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
    declared = None
    try:
        pixels = dataset.read(
            bands, window=window, out_shape=shape, resampling=Resampling.average
        )
        if scene.mask == 'band':
            declared = dataset.dataset_mask(window=window, out_shape=out_shape) > 0
    except RasterioIOError as error:
        raise UserError(
            f"cannot read all of '{dataset.name}': {error.__cause__ or error}; copy it "
            'anew or remove it.'
        ) from None
    nodata = tuple(scene.nodata[band - 1] for band in bands)
    valid = valid_pixels(pixels, nodata, declared)
    return np.ascontiguousarray(pixels.transpose(1, 2, 0)), valid
