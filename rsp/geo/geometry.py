"""Reproject and repair polygons of ground, also across longitude 180.

pyproj transforms points and shapely repairs polygons. Neither follows sides that are
straight in one projection and curved in another, nor knows the date line.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
import shapely
from affine import Affine
from pyproj import Transformer
from pyproj.exceptions import ProjError
from rasterio import features
from rasterio.crs import CRS
from rasterio.errors import CRSError
from shapely.affinity import translate

from rsp.errors import UserError

# Points per side that follow its curve (GDAL's figure for the bounds of a window).
POINTS_PER_SIDE = 21
# Square degrees, less than a tenth of a millimeter each way: left by rounding alone.
SLIVER = 1e-18


@lru_cache(maxsize=256)
def transformer(source: CRS, target: CRS) -> Transformer:
    """Return a transformer of coordinates, x before y.

    Raises:
        UserError: If there is no transformation, as from a local system.
    """
    try:
        return Transformer.from_crs(source.to_wkt(), target.to_wkt(), always_xy=True)
    except (ProjError, CRSError):
        raise UserError(
            f'expected a reference system that leads to {target.to_string()[:60]}, got '
            f'{source.to_string()[:60]}; set the true one, if it is known, with '
            'gdal_edit.py -a_srs EPSG:<code>.'
        ) from None


def densify(geometry: shapely.Geometry) -> shapely.Geometry:
    """Add points to the sides: `POINTS_PER_SIDE` to each side of a square."""
    return shapely.segmentize(geometry, geometry.length / 4 / POINTS_PER_SIDE)


def make_valid(geometry: shapely.Geometry) -> shapely.Geometry:
    """Repair a geometry and keep its polygons alone.

    Corners that touched may cross after rounding, and differences leave lines where
    outlines share a side; GEOS refuses to cut either.
    """
    if not geometry.is_valid:
        geometry = shapely.make_valid(geometry)
    if geometry.geom_type in ('Polygon', 'MultiPolygon'):
        return geometry
    parts = shapely.get_parts(shapely.get_parts(geometry))
    polygons = [part for part in parts if part.geom_type == 'Polygon']
    return polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)


def reproject(geometry: shapely.Geometry, source: CRS, target: CRS) -> shapely.Geometry:
    """Transform ground of at most half the globe to another reference system.

    In degrees it is repeated one turn west and east, see `repeat_longitude`.
    """

    def move(xy: np.ndarray) -> np.ndarray:
        x, y = transformer(source, target).transform(*xy.T)
        if target.is_geographic:
            # No side is longer than half the globe: a jump is the date line.
            x = x[0] + (x - x[0] + 180) % 360 - 180
        return np.stack([x, y], axis=1)

    if not geometry.is_empty and source != target:
        geometry = make_valid(shapely.transform(densify(geometry), move))
    return repeat_longitude(geometry) if target.is_geographic else geometry


def wrap_longitude(polygon: shapely.Geometry) -> shapely.Geometry:
    """Move a polygon in degrees to longitudes of -180 to 180, cut at the date line.

    Args:
        polygon: Its west lies between -180 and 180, its east may lie beyond.
    """
    if polygon.bounds[2] <= 180:
        return polygon
    west = polygon.intersection(shapely.box(-180, -90, 180, 90))
    east = polygon.intersection(shapely.box(180, -90, 540, 90))
    sides = shapely.get_parts([west, translate(east, xoff=-360)])
    # A corner on the line leaves a point or a sliver on the other side.
    return shapely.union_all([part for part in sides if part.area > SLIVER])


def repeat_longitude(geometry: shapely.Geometry) -> shapely.Geometry:
    """Add copies of ground in degrees one turn of the globe west and east of itself."""
    turns = [make_valid(translate(geometry, xoff=360 * turn)) for turn in (-1, 0, 1)]
    return shapely.union_all(turns)


def unwrap_longitude(outlines: Sequence[shapely.Geometry]) -> list[shapely.Geometry]:
    """Join ground in degrees that was cut at longitude 180, for pictures.

    Args:
        outlines: Longitudes from -180 to 180.

    Returns:
        The same; parts west of Greenwich are moved one turn east, beyond 180, if all
        outlines together become narrower by it.
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


def polygonize(mask: np.ndarray, transform: Affine) -> shapely.Geometry:
    """Return the ground of the cells where ``mask`` (H, W) holds.

    Args:
        mask: Boolean.
        transform: From cell corners to ground.
    """
    shapes = features.shapes(mask.astype(np.uint8), mask=mask, transform=transform)
    return shapely.union_all([shapely.geometry.shape(shape) for shape, _ in shapes])


def rings_of(geometry: shapely.Geometry) -> Iterator[np.ndarray]:
    """Yield rings of all polygons, shape (V, 2), outer ones one way, holes the other.

    Not by `shapely.orient_polygons`: GEOS takes the direction from one corner, which a
    spike left by rounding reverses; here it is the sign of the area.
    """
    for part in shapely.get_parts(geometry):
        if part.geom_type == 'Polygon' and not part.is_empty:
            yield _oriented(part.exterior, 1)
            yield from (_oriented(hole, -1) for hole in part.interiors)
        elif part.geom_type in ('MultiPolygon', 'GeometryCollection'):
            yield from rings_of(part)


def _oriented(ring: shapely.LinearRing, sign: int) -> np.ndarray:
    points = shapely.get_coordinates(ring)
    x, y = (points - points[0]).T
    area = np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])
    return points if area * sign >= 0 else points[::-1]
