"""Small rasters of land cover, and ground above them."""

from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from rasterio.crs import CRS

from rsp.geo.footprint import Footprint
from rsp.geo.windows.window import Window
from rsp.ops.fractions import LAND_COVER_CLASSES

# 30 m cells in UTM zone 33, the corner on whole cells.
UTM33 = 'EPSG:32633'
CELL = 30.0
WEST, NORTH = 480000.0, 5100000.0
GRID = Affine(CELL, 0, WEST, 0, -CELL, NORTH)
CRS33, DEGREES = CRS.from_string(UTM33), CRS.from_epsg(4326)


def write_cover(
    path: Path,
    codes: np.ndarray,
    transform: Affine = GRID,
    crs: str | None = UTM33,
    **options,
) -> Path:
    """Write codes (H, W) as a tiled GeoTIFF."""
    path.parent.mkdir(parents=True, exist_ok=True)
    codes = np.asarray(codes)
    if codes.dtype == np.int64:
        codes = codes.astype(np.uint8)
    size = dict(width=codes.shape[1], height=codes.shape[0])
    tiles = dict(tiled=True, blockxsize=32, blockysize=32, compress='deflate')
    with rasterio.open(
        path, 'w', driver='GTiff', count=1, dtype=codes.dtype, crs=crs,
        transform=transform, **size, **(tiles | options),
    ) as data:  # fmt: skip
        data.write(codes, 1)
    return path


def square(x, y, width, height=None, crs=CRS33):
    """Return the ground of a box whose top-left corner is at (x, y)."""
    return Footprint.from_window(
        Affine(1, 0, x, 0, -1, y), crs, Window(0, 0, height or width, width)
    )


def cells(column, row, width, height):
    """Return the ground of whole cells of GRID."""
    return Footprint.from_window(GRID, CRS33, Window(row, column, height, width))


def named(cover):
    """Return counts that are not zero, by name."""
    pairs = zip(LAND_COVER_CLASSES, cover.counts.tolist(), strict=True)
    return {name: count for name, count in pairs if count}
