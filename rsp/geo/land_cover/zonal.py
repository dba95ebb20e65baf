"""What covers the ground of a footprint, from any number of land-cover rasters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from rasterio.crs import CRS
from rasterio.errors import RasterioIOError
from rasterio.windows import Window
from shapely.affinity import affine_transform

from rsp.geo.footprint import Footprint
from rsp.geo.geometry import carry, rings_of, solid, trace, turned
from rsp.geo.land_cover.cell_coverage import cell_coverage
from rsp.geo.land_cover.class_maps import NODATA_INDEX, UNKNOWN_INDEX, load_class_map
from rsp.geo.land_cover.rasters import (
    CoverRaster,
    certain_class_map,
    contradictions,
    damaged,
    describe_raster,
    list_rasters,
)
from rsp.geo.land_cover.spatial_index import Index
from rsp.geo.rasters import WGS84, OpenRasters
from rsp.ops.fractions import LAND_COVER_CLASSES

# Cells looked at in one go; bounds the memory that a footprint of a whole scene takes.
CELLS_AT_ONCE = 1 << 22


@dataclass
class Cover:
    """Land cover of a footprint, in cells of the first raster that it touches.

    Args:
        counts: Cells of each class, shape (11,), ordered as ``LAND_COVER_CLASSES``.
        unknown_codes: Cells of each code that the class map does not know.
        area: Cells of the whole footprint; 0 if no raster touches it.
    """

    counts: np.ndarray = field(
        default_factory=lambda: np.zeros(len(LAND_COVER_CLASSES))
    )
    unknown_codes: dict[int, float] = field(default_factory=dict)
    area: float = 0.0

    @property
    def unknown(self) -> float:
        """Cells of unknown codes."""
        return round(sum(self.unknown_codes.values()), 6)

    @property
    def no_data(self) -> float:
        """Cells of the footprint of which nothing is known: no data, or no raster."""
        return max(round(self.area - self.counts.sum() - self.unknown, 6), 0.0)

    @property
    def coverage(self) -> float:
        """Share of the footprint that rasters with data cover, 0 to 1."""
        if not self.area:
            return 0.0
        return min(round((self.counts.sum() + self.unknown) / self.area, 6), 1.0)


class LandCover:
    """A map of land cover made of rasters, asked by footprints.

    For a footprint its true polygon is put into the reference system of every raster
    that it touches (an index of the rasters' extents finds them), and each cell counts
    by the share of it that lies inside the polygon. Nothing is resampled. The official
    code takes the one tile at the top-left corner and a box of two corners instead.

    Where rasters overlap, the first one in their order that has data counts, so no
    ground counts twice, and the no-data collars of projected tiles do not hide what
    the neighbour shows. Cells of rasters with other cell sizes or reference systems are
    converted so that shares of the footprint's ground are kept.

    Curved sides are followed at 21 points a side; coordinates are rounded to 1e-6
    cells, and so are counts.

    Args:
        rasters: Files or folders, searched recursively; one band of integers each.
        class_map: See `rsp.geo.land_cover.class_maps.load_class_map`; None
            takes the one that the rasters certainly have.
        open_files: Rasters held open per process.

    Attributes:
        notes: Sentences about what a user should know, e.g. that a file's no-data value
            contradicts the class map.

    Raises:
        FileNotFoundError: If a raster is missing.
        ValueError: If a raster is none, has no reference system, or the class map is
            unknown or uncertain.
    """

    def __init__(
        self,
        rasters: Path | str | Sequence[Path | str],
        class_map: Any = None,
        open_files: int = 64,
    ) -> None:
        self.rasters = [describe_raster(path) for path in list_rasters(rasters)]
        self.class_map = load_class_map(class_map or certain_class_map(self.rasters))
        self.notes = contradictions(self.rasters, self.class_map)
        self._open = OpenRasters(open_files)
        # Where all rasters share a system, no other one is needed in between.
        systems = {raster.crs for raster in self.rasters}
        shared = systems if len(systems) == 1 else set()
        self._indexes = [Index(self.rasters, crs) for crs in (*shared, WGS84)]

    def count(self, footprint: Footprint) -> Cover:
        """Cells of each class inside a footprint.

        Args:
            footprint: Ground of a window.

        Raises:
            ValueError: If the footprint has no outline in the reference system of any
                raster nearby (over a pole, for maps in degrees), or a raster is
                damaged.
        """
        cover = Cover()
        ground = list(self._outlines(footprint))
        taken: list[tuple[shapely.Geometry, CRS]] = []
        first = 0.0
        for number, (raster, outline) in enumerate(ground):
            last = number == len(ground) - 1
            whole = outline.area / abs(raster.transform.determinant)
            rest = turned(outline) if raster.beyond_date_line else outline
            for geometry, crs in taken:
                rest = solid(rest.difference(carry(geometry, crs, raster.crs)))
            found, empty = self._tally(raster, rest, keep_empty=not last)
            if not found:
                continue
            first = first or whole
            self._add(cover, raster, found, first / whole)
            if not last:
                seen = solid(rest.intersection(raster.extent.polygon))
                taken.append((solid(seen.difference(empty)), raster.crs))
        cover.area = round(first, 6)
        cover.counts = np.round(cover.counts, 6)
        cover.unknown_codes = {c: round(n, 6) for c, n in cover.unknown_codes.items()}
        return cover

    def _outlines(
        self, footprint: Footprint
    ) -> Iterator[tuple[CoverRaster, shapely.Geometry]]:
        """Rasters near a footprint, in order, and its outline in their systems."""
        outlines: dict[CRS, shapely.Geometry | None] = {}
        near: Sequence[int] = range(len(self.rasters))
        for index in self._indexes:
            try:
                outlines[index.crs] = outline = footprint.to(index.crs)
            except ValueError:
                continue  # Too far for this system, or over a pole in degrees.
            near = index.query(outline)
            break
        refusal = None
        for raster in (self.rasters[i] for i in near):
            if raster.crs not in outlines:
                try:
                    outlines[raster.crs] = footprint.to(raster.crs)
                except ValueError as error:
                    outlines[raster.crs], refusal = None, error
            outline = outlines[raster.crs]
            if outline is not None:
                yield raster, outline
        if refusal and not any(outlines.values()):
            raise refusal

    def _tally(
        self, raster: CoverRaster, outline: shapely.Geometry, keep_empty: bool
    ) -> tuple[dict[int, float], shapely.Geometry]:
        """Cells of each code inside an outline, and the ground of no data."""
        to_cells = affine_transform(outline, (~raster.transform).to_shapely())
        rings = list(rings_of(to_cells))
        found: dict[int, float] = {}
        empty = []
        for top, rows in _bands(rings, raster):
            band = [ring - (0, top) for ring in rings]
            left, first, shares = cell_coverage(band, raster.width, rows)
            if not shares.any():
                continue
            pixels = self._read(raster, left, top + first, shares.shape)
            codes, cells = _count_codes(pixels, shares)
            for code, number in zip(codes, cells, strict=True):
                found[int(code)] = found.get(int(code), 0.0) + float(number)
            if keep_empty:
                blank = codes[self.places(raster, codes) == NODATA_INDEX]
                bare = np.isin(pixels, blank) & (shares > 0)
                cells = trace(bare, left, top + first)
                empty.append(affine_transform(cells, raster.transform.to_shapely()))
        return found, shapely.union_all([solid(ground) for ground in empty])

    def _read(
        self, raster: CoverRaster, left: int, top: int, shape: tuple[int, ...]
    ) -> np.ndarray:
        window = Window(left, top, shape[1], shape[0])
        try:
            return self._open(raster.path).read(1, window=window)
        except RasterioIOError as error:
            raise damaged(raster.path, error) from error

    def places(self, raster: CoverRaster, codes: np.ndarray) -> np.ndarray:
        """Places of codes as `ClassMap.classify` gives them, in one of the rasters.

        Args:
            raster: Whose own no-data value counts as such, unless it is a class.
            codes: Shape (K,).
        """
        places = self.class_map.classify(codes)
        declared = (codes == raster.no_data) & (places == UNKNOWN_INDEX)
        return np.where(declared, NODATA_INDEX, places)

    def _add(
        self, cover: Cover, raster: CoverRaster, found: dict[int, float], scale: float
    ) -> None:
        codes = np.array([*found], dtype=np.int64)
        for code, place in zip(found, self.places(raster, codes), strict=True):
            if place < len(cover.counts):
                cover.counts[place] += found[code] * scale
            elif place == UNKNOWN_INDEX:
                before = cover.unknown_codes.get(code, 0.0)
                cover.unknown_codes[code] = before + found[code] * scale


def _count_codes(
    pixels: np.ndarray, shares: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The codes there are and the sum of the shares of their cells."""
    values = pixels.ravel()
    low, high = int(values.min()), int(values.max())
    if high - low < 1 << 16:
        places = values if low == 0 else values.astype(np.int64) - low
        cells = np.bincount(places, shares.ravel())
        codes = np.nonzero(cells)[0]
        return codes + low, cells[codes]
    codes, places = np.unique(values, return_inverse=True)
    return codes.astype(np.int64), np.bincount(places, shares.ravel())


def _bands(rings: list[np.ndarray], raster: CoverRaster) -> Iterator[tuple[int, int]]:
    """Rows to look at in one go: the first one and their number, whole blocks."""
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
