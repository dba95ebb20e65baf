"""Compute statistics and a thumbnail of the pixels of one file."""

import base64
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import rasterio
from rasterio.windows import Window

from rsp.errors import UserError
from rsp.geo.nodata import nodata_mask
from rsp.geo.radiometry import Stretch, stretch
from rsp.geo.scene import Scene
from rsp.io.images import open_windows
from rsp.prepare.raster_pixels import read_pixels
from rsp.prepare.scan.band_statistics import BandStatistics

# Longest edges, pixels: of the overview, and of a thumbnail.
OVERVIEW, THUMBNAIL = 512, 192
# Bytes, about, of the pixels that are held at a time.
PIECE = 64 * 2**20


def measure(
    dataset: rasterio.DatasetReader, scene: Scene, bands: list[int], display: list[int]
) -> tuple[list[BandStatistics], list[BandStatistics], int]:
    """Compute the statistics of all valid pixels.

    Args:
        dataset: Open file.
        scene: Its description.
        bands: Numbers, from 1, of the bands that are not alpha.
        display: Numbers, from 1, of red, green and blue.

    Returns:
        Statistics of each band as stored; of red, green and blue in 8 bits, see
        `to_rgb`; and the number of valid pixels.
    """
    stored = [BandStatistics() for _ in bands]
    rgb = [BandStatistics() for _ in display]
    nodata = tuple(scene.nodata[band - 1] for band in bands)
    num_valid = 0
    for rows in _block_rows(dataset):
        pixels, valid = read_pixels(dataset, scene, bands, window=rows)
        values = pixels[valid]
        num_valid += len(values)
        mask = nodata_mask(values.T[..., None], nodata)
        columns = [*values.T, *to_rgb(values, scene, bands, display).T]
        places = [*range(len(bands)), *(bands.index(b) for b in display)]
        for band, column, place in zip([*stored, *rgb], columns, places, strict=True):
            # A valid pixel may still lack some bands.
            band.add(column if mask is None else column[~mask[place, :, 0]])
    return stored, rgb, num_valid


def measure_picture(file: Path) -> list[BandStatistics] | None:
    """Compute the statistics of red, green and blue as `rsp.LoadImageFromFile` reads.

    Of all pixels: those without data are black for the model.

    Args:
        file: An image of 8 bits.

    Returns:
        Of each band; None if the loader refuses the file.
    """
    rgb = [BandStatistics() for _ in range(3)]
    try:
        with open_windows(file) as image:
            height, width = image.shape
            rows = max(PIECE // (3 * width), 1)
            for top in range(0, height, rows):
                pixels = image.read(top, 0, rows, width)
                for band, values in zip(rgb, np.moveaxis(pixels, 2, 0), strict=True):
                    band.add(values)
    except UserError:
        return None
    return rgb


def to_rgb(
    values: np.ndarray, scene: Scene, bands: list[int], display: list[int]
) -> np.ndarray:
    """Return red, green and blue in 8 bits, stretched by their joint limits.

    Args:
        values: Pixels, shape (P, C).
        scene: Description of their file.
        bands: Numbers, from 1, of the C bands.
        display: Numbers of red, green and blue.

    Returns:
        uint8, shape (P, 3).
    """
    chosen = values[:, [bands.index(band) for band in display]]
    if scene.dtype == 'uint8' or scene.stretch is None:
        return chosen.astype(np.uint8)
    return stretch(chosen[None], Stretch().range_of(scene, display))[0]


def read_overview(
    dataset: rasterio.DatasetReader, scene: Scene, bands: list[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Read reduced, averaged pixels (h, w, C) and their valid mask (h, w).

    What is no data of its band alone becomes 0.
    """
    shrink = max(max(scene.width, scene.height) / OVERVIEW, 1)
    shape = (max(round(scene.height / shrink), 1), max(round(scene.width / shrink), 1))
    pixels, valid = read_pixels(dataset, scene, bands, out_shape=shape)
    nodata = [scene.nodata[band - 1] for band in bands]
    mask = nodata_mask(pixels.transpose(2, 0, 1), nodata)
    if mask is not None:
        pixels[mask.transpose(1, 2, 0)] = 0
    return pixels, valid


def encode_thumbnail(
    overview: np.ndarray,
    valid: np.ndarray,
    scene: Scene,
    bands: list[int],
    display: list[int],
) -> str:
    """Encode a small JPEG of an overview as base64."""
    picture = np.zeros((*valid.shape, 3), np.uint8)
    picture[valid] = to_rgb(overview[valid], scene, bands, display)
    if overview.shape[-1] == 1 and valid.any():
        # One band of 8 bits, such as classes, often uses few of them.
        picture = (picture * (255 / max(picture.max(), 1))).astype(np.uint8)
    shrink = max(picture.shape[:2]) / THUMBNAIL
    if shrink > 1:
        size = [max(round(edge / shrink), 1) for edge in picture.shape[1::-1]]
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(
        '.jpg', picture[..., ::-1].copy(), [cv2.IMWRITE_JPEG_QUALITY, 82]
    )
    return base64.b64encode(data.tobytes()).decode()


def _block_rows(dataset: rasterio.DatasetReader) -> Iterator[Window]:
    """Yield windows of whole rows of blocks, so that each is decoded once."""
    block = dataset.block_shapes[0][0]
    row = dataset.width * dataset.count * np.dtype(dataset.dtypes[0]).itemsize
    height = max(PIECE // (row * block), 1) * block
    for top in range(0, dataset.height, height):
        yield Window(0, top, dataset.width, min(height, dataset.height - top))
