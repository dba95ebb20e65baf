"""Cut large images into patches: windows, names, and the objects they show."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from rsp.errors import UserError
from rsp.ops.tiling import tile_offsets

NAME = re.compile(r'(?P<image>.+)__(?P<size>\d+)__(?P<x>\d+)___(?P<y>\d+)')
# Where no window of a size is filled by more than this, another size may be.
LEAST_FILLED = 0.6


@dataclass(frozen=True)
class Patch:
    """Describe a square window of an image.

    Args:
        image: Name of the image without ending.
        size: Side in pixels.
        x: Left border in the image, pixels.
        y: Upper border in the image, pixels.
    """

    image: str
    size: int
    x: int
    y: int

    @property
    def name(self) -> str:
        """Return the file name without ending, in mmrotate's form."""
        return f'{self.image}__{self.size}__{self.x}___{self.y}'

    @classmethod
    def from_name(cls, name: str) -> 'Patch':
        """Read the window from a file name without ending.

        The window stands last: names of images may contain ``__`` as well.

        Raises:
            UserError: If the name is not that of a patch.
        """
        match = NAME.fullmatch(name)
        if match is None:
            raise UserError(
                f"expected a patch named '<image>__<size>__<x>___<y>', got '{name}'; "
                'cut images by tools/dataset_tools/split_dota.py.'
            )
        return cls(match['image'], int(match['size']), int(match['x']), int(match['y']))


def windows(
    width: int, height: int, sizes: Sequence[int], gaps: Sequence[int]
) -> list[tuple[int, int, int]]:
    """Return the windows of all sizes over an image, by mmrotate's rule.

    Windows advance by ``size - gap``; the last one ends where the image ends. Those
    that the image fills by 60 % or less are left out, unless that leaves none: then the
    ones filled most stay. For one size every pixel is covered.

    Args:
        width: Width of the image, pixels.
        height: Height of the image, pixels.
        sizes: Sides of the windows, pixels.
        gaps: Least overlap of neighbors for each size, pixels, below the size.

    Returns:
        Size, x, y of each.
    """
    found, filled = [], []
    for size, gap in zip(sizes, gaps, strict=True):
        share = min(size, width) * min(size, height) / size**2
        stride = size - gap
        for x in tile_offsets(max(width, size), size, stride):
            for y in tile_offsets(max(height, size), size, stride):
                found.append((size, x, y))
                filled.append(share)
    least = LEAST_FILLED if max(filled) > LEAST_FILLED else max(filled) - 0.01
    return [
        window for window, share in zip(found, filled, strict=True) if share > least
    ]


def seen_shares(polygons: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Return the share of each object's area inside each window; exactly 1 if all is.

    Args:
        polygons: Corners x1, y1, ..., x4, y4, shape (N, 8), pixels. Polygons whose
            sides cross count as their convex hull.
        boxes: Windows x1, y1, x2, y2, shape (M, 4), pixels.

    Returns:
        Shape (N, M), 0 to 1; 0 for objects without area.
    """
    corners = polygons.reshape(-1, 4, 2)
    low, high = corners.min(axis=1)[:, None], corners.max(axis=1)[:, None]  # (N, 1, 2)
    left_top, right_bottom = boxes[None, :, :2], boxes[None, :, 2:]  # (1, M, 2)
    shares = ((low >= left_top) & (high <= right_bottom)).all(axis=2).astype(float)
    cut = ((low < right_bottom) & (high > left_top)).all(axis=2) & (shares == 0)

    shapes = shapely.polygons(corners)
    shapes = np.where(shapely.is_valid(shapes), shapes, shapely.convex_hull(shapes))
    areas = shapely.area(shapes)
    shares[areas == 0] = 0
    rows, columns = np.nonzero(cut & (areas > 0)[:, None])
    pieces = shapely.intersection(shapes[rows], shapely.box(*boxes[columns].T))
    shares[rows, columns] = shapely.area(pieces) / areas[rows]
    return shares
