"""Count the codes of one raster inside an outline."""

from collections import defaultdict
from collections.abc import Callable, Iterator

import numpy as np
import shapely
from affine import Affine
from rasterio.windows import Window
from shapely.affinity import affine_transform

from rsp.geo.geometry import make_valid, polygonize, rings_of
from rsp.geo.land_cover.cell_coverage import cell_coverage
from rsp.geo.land_cover.rasters import LandCoverRaster, read_codes
from rsp.geo.rasters import OpenRasters

# Cells read in one go; bounds the memory that the footprint of a whole scene takes.
CELLS_AT_ONCE = 1 << 22


def count_codes(
    open_rasters: OpenRasters,
    raster: LandCoverRaster,
    outline: shapely.Geometry,
    is_nodata: Callable[[np.ndarray], np.ndarray] | None = None,
) -> tuple[dict[int, float], shapely.Geometry]:
    """Count the cells of each code inside an outline, each by its share inside.

    Args:
        open_rasters: Opens the raster.
        raster: Raster of codes.
        outline: In its reference system.
        is_nodata: Maps codes, shape (K,), to True for no data, shape (K,); None leaves
            the ground without data empty, which saves time.

    Returns:
        Cells by code, 0 of those that a mask hides, and the ground without data.

    Raises:
        UserError: If the raster is damaged.
    """
    to_cells = affine_transform(outline, (~raster.transform).to_shapely())
    rings = list(rings_of(to_cells))
    found: dict[int, float] = defaultdict(float)
    without_data = []
    for top, rows in _row_ranges(rings, raster):
        shifted = [ring - (0, top) for ring in rings]
        first, left, shares = cell_coverage(shifted, (rows, raster.width))
        if not shares.any():
            continue
        height, width = shares.shape
        window = Window(left, top + first, width, height)
        dataset = open_rasters(raster.path)
        pixels, valid = read_codes(dataset, raster, window=window)
        codes, cells = _sum_by_code(pixels, shares)
        if valid is not None:
            # What a mask hides is no class, whatever its code.
            found.update(dict.fromkeys(set(codes.tolist()) - found.keys(), 0.0))
            codes, cells = _sum_by_code(pixels, shares * valid)
        for code, number in zip(codes.tolist(), cells.tolist(), strict=True):
            found[code] += number
        if is_nodata is not None:
            mask = np.isin(pixels, codes[is_nodata(codes)])
            if valid is not None:
                mask |= ~valid
            mask &= shares > 0
            corner = raster.transform @ Affine.translation(left, top + first)
            without_data.append(make_valid(polygonize(mask, corner)))
    return found, shapely.union_all(without_data)


def _sum_by_code(
    pixels: np.ndarray, shares: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the codes in an array and the sum of the shares of their cells."""
    values = pixels.ravel()
    low, high = int(values.min()), int(values.max())
    if high - low < 1 << 16:  # Faster than np.unique, which sorts.
        offsets = values if low == 0 else values.astype(np.int64) - low
        cells = np.bincount(offsets, shares.ravel())
        codes = np.nonzero(cells)[0]
        return codes + low, cells[codes]
    codes, inverse = np.unique(values, return_inverse=True)
    return codes.astype(np.int64), np.bincount(inverse, shares.ravel())


def _row_ranges(
    rings: list[np.ndarray], raster: LandCoverRaster
) -> Iterator[tuple[int, int]]:
    """Yield the first row and the number of rows to read in one go, whole blocks."""
    if not rings:
        return
    points = np.concatenate(rings)
    top = max(int(np.floor(points[:, 1].min())), 0)
    bottom = min(int(np.ceil(points[:, 1].max())), raster.height)
    width = min(points[:, 0].max(), raster.width) - max(points[:, 0].min(), 0)
    rows = max(int(CELLS_AT_ONCE / max(width, 1)), 1)
    step = max(rows // raster.block_height, 1) * raster.block_height
    start = top // raster.block_height * raster.block_height
    for first in range(start, bottom, step):
        yield first, min(step, raster.height - first)
