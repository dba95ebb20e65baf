"""Finding the rasters that a footprint may touch."""

from collections.abc import Sequence

import numpy as np
import shapely
from rasterio.crs import CRS

from rsp.geo.footprint import Footprint
from rsp.geo.land_cover.rasters import CoverRaster

WORLD = shapely.box(-180, -90, 180, 90)


class Index:
    """Boxes around rasters in one reference system.

    Args:
        rasters: Indexed by their place.
        crs: Reference system; one that all rasters share, or degrees.
    """

    def __init__(self, rasters: Sequence[CoverRaster], crs: CRS) -> None:
        self.crs = crs
        boxes = [self._around(raster.extent) for raster in rasters]
        self._owners = np.repeat(np.arange(len(boxes)), [len(b) for b in boxes])
        self._tree = shapely.STRtree([box for group in boxes for box in group])

    def query(self, outline: shapely.Geometry) -> list[int]:
        """Places of all rasters that may touch an outline, rising.

        Args:
            outline: In the index's reference system.
        """
        found = self._tree.query(boxes_of(outline))[1]
        return sorted({int(owner) for owner in self._owners[found]})

    def _around(self, extent: Footprint) -> np.ndarray:
        try:
            return boxes_of(extent.to(self.crs))
        except ValueError:
            return np.array([WORLD])  # Over a pole: any footprint may touch it.


def boxes_of(outline: shapely.Geometry) -> np.ndarray:
    """Boxes around the parts of an outline, of which there are two at the date line."""
    west, south, east, north = shapely.bounds(shapely.get_parts(outline)).T
    # Sides are followed at some points only; between them they may bulge a little.
    margin = 0.05 * np.maximum(east - west, north - south)
    return shapely.box(west - margin, south - margin, east + margin, north + margin)
