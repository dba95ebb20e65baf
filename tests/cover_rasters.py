"""Small rasters of land cover for the tests of this folder."""

from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

# 30 m cells in UTM zone 33, the corner on whole cells.
UTM33 = 'EPSG:32633'
CELL = 30.0
WEST, NORTH = 480000.0, 5100000.0
GRID = Affine(CELL, 0, WEST, 0, -CELL, NORTH)


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
