"""The ground that a window of a raster covers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import shapely
from affine import Affine
from pyproj import Transformer
from pyproj.exceptions import ProjError
from rasterio.crs import CRS
from shapely import MultiPolygon, Polygon
from shapely.affinity import translate

from rsp.errors import UserError

# What is straight in one projection is curved in another: points per side that follow
# the curve (GDAL's figure for the bounds of a window).
POINTS_PER_SIDE = 21


@dataclass(frozen=True)
class Footprint:
    """A window's polygon, in the reference system of its own raster.

    Args:
        polygon: The window's true corners, in units of ``crs``.
        crs: Reference system.
    """

    polygon: Polygon
    crs: CRS

    @classmethod
    def of_window(
        cls, transform: Affine, crs: CRS, window: tuple[int, int, int, int]
    ) -> Footprint:
        """The footprint of a window of pixels, also in a rotated raster.

        Args:
            transform: From pixel corners to the units of ``crs``.
            crs: Reference system.
            window: x, y, width and height in pixels.

        Raises:
            ValueError: If the window is empty.
        """
        x, y, width, height = window
        if width <= 0 or height <= 0:
            raise UserError(
                f'expected a window (x, y, width, height) of at least one pixel, got '
                f'{window}.'
            )
        corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
        return cls(Polygon([transform @ corner for corner in corners]), crs)

    def to(self, crs: CRS) -> Polygon | MultiPolygon:
        """The footprint in another reference system.

        In degrees, a footprint across longitude 180 comes back in two parts.

        Args:
            crs: Where to.

        Raises:
            ValueError: If it lies over a pole, in degrees, or outside of ``crs``, or if
                its own system is a local one, tied to no place on the Earth.
        """
        if crs == self.crs and not crs.is_geographic:
            return self.polygon
        longest = self.polygon.length / 4
        dense = shapely.segmentize(self.polygon, longest / POINTS_PER_SIDE)
        x, y = np.asarray(dense.exterior.coords).T
        if crs != self.crs:
            x, y = transformer(self.crs, crs).transform(x, y)
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise UserError(
                f'expected a footprint within reach of {crs.to_string()[:60]}, got '
                f'{self._where()}; leave it out, or use a raster that covers it.'
            )
        return self._in_degrees(x, y) if crs.is_geographic else _valid(x, y)

    def _in_degrees(self, x: np.ndarray, y: np.ndarray) -> Polygon | MultiPolygon:
        # Consecutive longitudes of an outline are near; a jump is the date line.
        x = np.unwrap(x, period=360)
        if abs(x[-1] - x[0]) > 180:
            raise UserError(
                f'expected a footprint beside the poles, got one around a pole: '
                f'{self._where()}; leave it out, or use a land cover in a polar '
                'projection.'
            )
        x -= 360 * np.floor((x.min() + 180) / 360)
        polygon = _valid(x, y)
        if x.max() <= 180:
            return polygon
        west = shapely.box(-180, -90, 180, 90)
        east = shapely.box(180, -90, 540, 90)
        # Touching the line from one side leaves a part without area on the other.
        parts = [
            polygon.intersection(west),
            translate(polygon.intersection(east), xoff=-360),
        ]
        return shapely.union_all([part for part in parts if part.area > 0])

    def _where(self) -> str:
        west, south, east, north = self.polygon.bounds
        return (
            f'({west:.6g} {south:.6g}) to ({east:.6g} {north:.6g}) in '
            f'{self.crs.to_string()[:60]}'
        )


@lru_cache(maxsize=256)
def transformer(source: CRS, target: CRS) -> Transformer:
    """A transformer of coordinates, x before y.

    Args:
        source: Where from.
        target: Where to.

    Raises:
        ValueError: If nothing leads from one to the other, as from a local system.
    """
    try:
        return Transformer.from_crs(source.to_wkt(), target.to_wkt(), always_xy=True)
    except ProjError:
        raise UserError(
            f'expected a reference system that leads to {target.to_string()[:60]}, got '
            f'{source.to_string()[:60]}; set the true one, if it is known, with '
            'gdal_edit.py -a_srs EPSG:<code>.'
        ) from None


def _valid(x: np.ndarray, y: np.ndarray) -> Polygon:
    """A polygon of this outline, repaired where densifying made it touch itself."""
    polygon = Polygon(np.stack([x, y], axis=1))
    return polygon if polygon.is_valid else shapely.make_valid(polygon)
