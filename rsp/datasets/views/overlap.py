"""Draw pairs of boxes that overlap."""

import math

import numpy as np

from rsp.errors import UserError
from rsp.ops import check

Box = tuple[int, int, int, int]
TRIES = 100


def overlap(one: Box, other: Box, measure: str = 'iou') -> float:
    """Compute how much two boxes overlap, 0 to 1.

    Args:
        one: Top, left, height and width.
        other: Top, left, height and width.
        measure: ``'iou'``, common area over joint area; or ``'share'``, common area
            over that of the smaller box.

    Raises:
        UserError: If the measure is another.
    """
    common = math.prod(
        max(0, min(a + c, b + d) - max(a, b))
        for a, c, b, d in (
            (one[0], one[2], other[0], other[2]),
            (one[1], one[3], other[1], other[3]),
        )
    )
    areas = one[2] * one[3], other[2] * other[3]
    check.one_of('measure', measure, ('iou', 'share'))
    return common / (min(areas) if measure == 'share' else sum(areas) - common)


def draw_box(
    height: int,
    width: int,
    area: tuple[float, float],
    aspect: tuple[float, float],
    rng: np.random.RandomState,
) -> Box:
    """Draw a box in an image; its area and aspect are clipped to what fits.

    Args:
        height: Of the image, pixels.
        width: Of the image, pixels.
        area: Smallest and largest share of the image's area.
        aspect: Smallest and largest width to height, drawn in logarithms.
        rng: Source of random numbers.
    """
    pixels = height * width * rng.uniform(*area)
    ratio = math.exp(rng.uniform(math.log(aspect[0]), math.log(aspect[1])))
    rows = min(height, max(1, round(math.sqrt(pixels / ratio))))
    columns = min(width, max(1, round(math.sqrt(pixels * ratio))))
    top = int(rng.randint(height - rows + 1))
    left = int(rng.randint(width - columns + 1))
    return top, left, rows, columns


def draw_pair(
    height: int,
    width: int,
    rng: np.random.RandomState,
    least: float = 0.0,
    measure: str = 'iou',
    area: tuple[float, float] = (0.2, 1.0),
    aspect: tuple[float, float] = (3 / 4, 4 / 3),
) -> tuple[Box, Box]:
    """Draw two boxes whose overlap has a lower bound.

    Pairs are drawn until one has it; after 100 the first box is taken twice.

    Args:
        height: Of the image, pixels.
        width: Of the image, pixels.
        rng: Source of random numbers.
        least: Lower bound, 0 to 1.
        measure: See `overlap`.
        area: See `draw_box`.
        aspect: See `draw_box`.

    Raises:
        UserError: If an argument is out of its range.
    """
    check.between("'least' overlap", least, 0, 1)
    if not (0 < area[0] <= area[1] <= 1 and 0 < aspect[0] <= aspect[1]):
        raise UserError(
            f"expected 'area' within 0 to 1 and 'aspect' above 0, rising, got {area} "
            f'and {aspect}.'
        )
    for _ in range(TRIES):
        one = draw_box(height, width, area, aspect, rng)
        other = draw_box(height, width, area, aspect, rng)
        if overlap(one, other, measure) >= least:
            return one, other
    # Equal boxes meet every bound; an error would stop the loader at a rare draw.
    return one, one
