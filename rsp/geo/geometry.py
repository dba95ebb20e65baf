"""Polygons of ground: their rings, and what happens to them between systems."""

from collections.abc import Iterator, Sequence

import numpy as np
import shapely
from rasterio import features
from rasterio.crs import CRS
from shapely.affinity import translate

from rsp.geo.footprint import POINTS_PER_SIDE, transformer


def rings_of(geometry: shapely.Geometry) -> Iterator[np.ndarray]:
    """Rings of all polygons, shape (V, 2), outer ones one way and holes the other."""
    for part in shapely.get_parts(geometry):
        if part.geom_type == 'Polygon' and not part.is_empty:
            yield _turning(part.exterior, 1)
            yield from (_turning(hole, -1) for hole in part.interiors)
        elif part.geom_type in ('MultiPolygon', 'GeometryCollection'):
            yield from rings_of(part)


def _turning(ring: shapely.LinearRing, sign: int) -> np.ndarray:
    # By its area: GEOS tells the direction by one corner, which a spike that rounding
    # left there turns round.
    points = shapely.get_coordinates(ring)
    x, y = (points - points[0]).T
    area = np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])
    return points if area * sign >= 0 else points[::-1]


def solid(geometry: shapely.Geometry) -> shapely.Geometry:
    """The polygons of a geometry, repaired.

    Corners that touched may cross after rounding, and differences leave lines where
    outlines share a side; GEOS refuses to cut either.
    """
    if not geometry.is_valid:
        geometry = shapely.make_valid(geometry)
    if geometry.geom_type in ('Polygon', 'MultiPolygon'):
        return geometry
    parts = shapely.get_parts(shapely.get_parts(geometry))
    return shapely.MultiPolygon([p for p in parts if p.geom_type == 'Polygon'])


def trace(mask: np.ndarray, left: int, top: int) -> shapely.Geometry:
    """Polygons of the cells where ``mask`` holds, whose corner is at (left, top)."""
    outlines = features.shapes(mask.astype(np.uint8), mask=mask)
    parts = [shapely.geometry.shape(outline) for outline, _ in outlines]
    return translate(shapely.union_all(parts), left, top)


def turned(geometry: shapely.Geometry) -> shapely.Geometry:
    """Ground in degrees, also one turn of the globe west and east of itself."""
    turns = [solid(translate(geometry, xoff=360 * turn)) for turn in (-1, 0, 1)]
    return shapely.union_all(turns)


def in_one_piece(outlines: Sequence[shapely.Geometry]) -> list[shapely.Geometry]:
    """Ground in degrees, for pictures: not torn apart at longitude 180.

    Args:
        outlines: Longitudes from -180 to 180.

    Returns:
        The same; parts west of Greenwich one turn further east, beyond 180, if all take
        less room so.
    """
    moved = [
        shapely.union_all(
            [
                translate(part, xoff=360) if part.bounds[0] < 0 else part
                for part in shapely.get_parts(outline)
            ]
        )
        for outline in outlines
    ]
    widths = [np.ptp(shapely.total_bounds(each)[::2]) for each in (moved, outlines)]
    return moved if widths[0] < widths[1] else [*outlines]


def carry(geometry: shapely.Geometry, source: CRS, target: CRS) -> shapely.Geometry:
    """Ground of at most half the globe in another reference system."""

    def move(xy: np.ndarray) -> np.ndarray:
        x, y = transformer(source, target).transform(*xy.T)
        if target.is_geographic:
            # No side is longer than half the globe: a jump is the date line.
            x = x[0] + (x - x[0] + 180) % 360 - 180
        return np.stack([x, y], axis=1)

    if not geometry.is_empty and source != target:
        dense = shapely.segmentize(geometry, geometry.length / 4 / POINTS_PER_SIDE)
        geometry = solid(shapely.transform(dense, move))
    return turned(geometry) if target.is_geographic else geometry
