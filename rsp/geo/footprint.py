"""Compute the ground that a window of a raster covers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from affine import Affine
from rasterio.crs import CRS
from shapely import MultiPolygon, Polygon

from rsp.errors import UserError
from rsp.geo.geometry import densify, make_valid, transformer, wrap_longitude
from rsp.geo.windows.window import Window


@dataclass(frozen=True)
class Footprint:
    """Store a window's polygon in the reference system of its own raster.

    Args:
        polygon: The window's true corners, in units of ``crs``.
        crs: Reference system.
    """

    polygon: Polygon
    crs: CRS

    @classmethod
    def from_window(cls, transform: Affine, crs: CRS, window: Window) -> Footprint:
        """Compute the footprint of a window of pixels, also in a rotated raster.

        Args:
            transform: From pixel corners to the units of ``crs``.
            crs: Reference system.
            window: In pixels.

        Raises:
            UserError: If the window is empty.
        """
        if min(window.height, window.width) <= 0:
            raise UserError(f'expected a window of at least one pixel, got {window}.')
        left, top, right, bottom = window.left, window.top, window.right, window.bottom
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        return cls(Polygon([transform @ corner for corner in corners]), crs)

    def to_crs(self, crs: CRS) -> Polygon | MultiPolygon:
        """Return the footprint's polygon in another reference system.

        In degrees, a footprint across longitude 180 comes back in two parts.

        Args:
            crs: Target.

        Raises:
            UserError: If it lies over a pole, in degrees, or outside of ``crs``, or if
                its own system is a local one, tied to no place on the Earth.
        """
        if crs == self.crs and not crs.is_geographic:
            return self.polygon
        x, y = np.asarray(densify(self.polygon).exterior.coords).T
        if crs != self.crs:
            x, y = transformer(self.crs, crs).transform(x, y)
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise UserError(
                f'expected a footprint within reach of {crs.to_string()[:60]}, got '
                f'{self._describe()}; leave it out, or use a raster that covers it.'
            )
        if crs.is_geographic:
            return self._in_degrees(x, y)
        return make_valid(Polygon(np.stack([x, y], axis=1)))

    def _in_degrees(self, x: np.ndarray, y: np.ndarray) -> Polygon | MultiPolygon:
        # Consecutive longitudes of an outline are near; a jump is the date line.
        x = np.unwrap(x, period=360)
        if abs(x[-1] - x[0]) > 180:
            raise UserError(
                f'expected a footprint beside the poles, got one around a pole: '
                f'{self._describe()}; leave it out, or use a land cover in a polar '
                'projection.'
            )
        x = x - 360 * np.floor((x.min() + 180) / 360)
        return wrap_longitude(make_valid(Polygon(np.stack([x, y], axis=1))))

    def _describe(self) -> str:
        west, south, east, north = self.polygon.bounds
        return (
            f'({west:.6g} {south:.6g}) to ({east:.6g} {north:.6g}) in '
            f'{self.crs.to_string()[:60]}'
        )
