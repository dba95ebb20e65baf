"""Name the pixels of a rectangle of a raster."""

from typing import NamedTuple


class Window(NamedTuple):
    """Store a rectangle of pixels: (top, left, height, width), as all boxes here.

    GDAL, rasterio and label files say x, y, width and height; pass them the fields by
    name.

    Attributes:
        top: First row.
        left: First column.
        height: Rows.
        width: Columns.
    """

    top: int
    left: int
    height: int
    width: int

    @property
    def bottom(self) -> int:
        """Row below the last one."""
        return self.top + self.height

    @property
    def right(self) -> int:
        """Column after the last one."""
        return self.left + self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns, to index an array (H, W, ...)."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def is_inside(self, shape: tuple[int, int]) -> bool:
        """Return whether it lies in a raster of this height and width."""
        inside = min(self.top, self.left) >= 0
        return inside and self.bottom <= shape[0] and self.right <= shape[1]
