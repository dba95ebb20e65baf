"""Find ground that several rasters show.

Neighboring tiles overlap a little, which is no fault. A pair is told where at least
half of the smaller one's ground lies on the other. It is either *twice* there (a mosaic
beside its tiles, overlapping copies, one scene in two formats) or a *series* (the same
place at another time): different dates or years in metadata or names, or the same
outline with other pixels. Files whose names differ by the name of a band alone are
neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath

import numpy as np
import shapely
from rasterio.crs import CRS

from rsp.errors import UserError, shorten
from rsp.geo.files.acquisition_date import acquisition_date
from rsp.geo.geometry import transformer
from rsp.geo.rasters import WGS84
from rsp.geo.scene import Scene

# Least share of the smaller one's ground.
LEAST_SHARE = 0.5
# Outlines that differ by less than this part of their size are one outline, ...
SAME_OUTLINE = 0.02
# ... whose pixels are the same if mean and deviation differ by less than this part.
SAME_PIXELS = 0.05
# Steps along a side, which may be curved in degrees.
STEPS = 4
# Rasters compared with all others at a time, and pairs after which the search ends.
CHUNK, MOST_PAIRS = 500, 100_000
BAND = re.compile(
    r'(?<![a-z0-9])(b\d{1,2}a?|sr_b\d+|band_?\d+|red|green|blue|nir\d?|swir\d?|pan|'
    r'[vh]{2})(?![a-z0-9])'
)
YEAR = re.compile(r'(?<!\d)((?:19|20)\d\d)(?!\d)')


@dataclass(frozen=True)
class Ground:
    """Describe the ground of a raster.

    Attributes:
        path: Its name.
        outline: Polygon in an equal-area projection, see `outlines_of`.
        date: YYYY-MM-DD; None if not known.
        pixels: Numbers that are alike for copies, such as means; None if not known.
    """

    path: str
    outline: shapely.Geometry
    date: str | None = None
    pixels: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Repeats:
    """Store which rasters of a folder show the same ground.

    Attributes:
        twice: Pairs of paths.
        series: Pairs of paths.
        share: Of all ground that is there twice, 0 to 1.
    """

    twice: list[tuple[str, str]]
    series: list[tuple[str, str]]
    share: float

    def sentences(self) -> Iterator[str]:
        """Yield a sentence about what is there twice, and one about series."""
        if self.twice:
            names = sorted({name for pair in self.twice for name in pair})
            first = ' and '.join(f"'{name}'" for name in self.twice[0])
            yield (
                f'{self.share:.0%} of the ground is there twice, in {len(names)} files '
                f'such as {first} (overlapping copies, or a mosaic beside its tiles): '
                'its windows are drawn more often, and are negatives of each other in '
                f'contrastive methods; remove one of each: {shorten(names, 5)}.'
            )
        if self.series:
            count = len({name for pair in self.series for name in pair})
            first = ' and '.join(f"'{name}'" for name in self.series[0])
            yield (
                f'{count} files show the same places at different times, such as '
                f'{first}: a time series, which is kept.'
            )


def repeats_of_scenes(scenes: Sequence[Scene]) -> Repeats:
    """Find ground that several scenes of an index show."""
    return find_repeats(
        [
            Ground(
                scene.path,
                outline,
                acquisition_date(PurePosixPath(scene.path).name, scene.tags),
                (*scene.mean, *scene.std),
            )
            for scene, outline in zip(scenes, _outlines(scenes), strict=True)
            if outline is not None
        ]
    )


def find_repeats(grounds: Sequence[Ground]) -> Repeats:
    """Find ground that several rasters show, by an index of their boxes.

    Args:
        grounds: One per raster.
    """
    twice, series, shared = [], [], []
    groups = _same_outlines(grounds)
    firsts = [grounds[group[0]] for group in groups]
    pairs = [(group[0], other, True) for group in groups for other in group[1:]]
    # Beside each other by date, so that a series is one pair per date, not all pairs.
    for group in groups:
        order = sorted(group, key=lambda n: (grounds[n].date or '', grounds[n].path))
        pairs += [(a, b, True) for a, b in pairwise(order)]
    numbers = [group[0] for group in groups]
    pairs += [(numbers[a], numbers[b], False) for a, b in _overlapping(firsts)]
    for a, b, same in dict.fromkeys((min(p[:2]), max(p[:2]), p[2]) for p in pairs):
        one, other = grounds[a], grounds[b]
        kind = _kind(one, other, same)
        if kind == 'series':
            series.append((one.path, other.path))
        elif kind == 'twice':
            twice.append((one.path, other.path))
            shared.append((a, b))
    share = 0.0
    if shared:
        outlines = np.array([ground.outline for ground in grounds], object)
        left, right = np.array(shared).T
        common = shapely.intersection(outlines[left], outlines[right])
        whole = shapely.union_all([first.outline for first in firsts])
        share = min(shapely.union_all(common).area / whole.area, 1.0)
    return Repeats(twice, series, share)


def outline_of(lon_lat: np.ndarray) -> shapely.Geometry | None:
    """Return an outline of equal area from longitudes and latitudes, shape (V, 2).

    Longitudes may go on beyond 180 degrees. None for one around a pole.
    """
    lon = np.unwrap(lon_lat[:, 0], period=360)
    lon = lon - 360 * np.floor((lon.min() + 180) / 360)
    if not np.isfinite(lon_lat).all() or np.ptp(lon) > 180:
        return None
    # Lambert's cylinder: ground of one size has one size everywhere.
    height = np.sin(np.radians(lon_lat[:, 1]))
    return shapely.Polygon(np.stack([np.radians(lon), height], axis=1))


def _outlines(scenes: Sequence[Scene]) -> list[shapely.Geometry | None]:
    """Return the outlines of scenes, transformed system by system."""
    outlines: list[shapely.Geometry | None] = [None] * len(scenes)
    systems: dict[str, list[int]] = {}
    for number, scene in enumerate(scenes):
        if scene.crs is not None and scene.transform is not None:
            systems.setdefault(scene.crs, []).append(number)
    rising = np.arange(STEPS) / STEPS
    falling, none, all_ = 1 - rising, np.zeros(STEPS), np.ones(STEPS)
    columns = np.concatenate([rising, all_, falling, none])
    rows = np.concatenate([none, rising, all_, falling])
    for crs, numbers in systems.items():
        try:
            move = transformer(CRS.from_user_input(crs), WGS84)
        except UserError:
            continue  # A local system.
        transforms = np.array([scenes[n].transform for n in numbers])
        sizes = np.array([scenes[n].shape for n in numbers])
        a, b, c, d, e, f = transforms.T[..., None]
        x, y = columns * sizes[:, 1:], rows * sizes[:, :1]
        lon, lat = move.transform(a * x + b * y + c, d * x + e * y + f)
        for number, points in zip(numbers, np.stack([lon, lat], axis=2), strict=True):
            outlines[number] = outline_of(points)
    return outlines


def _same_outlines(grounds: Sequence[Ground]) -> list[list[int]]:
    """Group the numbers of rasters that have about one outline."""
    groups: dict[tuple, list[int]] = {}
    boxes = shapely.bounds([ground.outline for ground in grounds]).reshape(-1, 4)
    for number, box in enumerate(boxes):
        size = max(box[2] - box[0], box[3] - box[1])
        step = 2 ** np.floor(np.log2(SAME_OUTLINE * size))
        key = (step, *np.round(box / step))
        groups.setdefault(key, []).append(number)
    return list(groups.values())


def _overlapping(grounds: Sequence[Ground]) -> list[tuple[int, int]]:
    """Return pairs of which the smaller one lies on the other by half."""
    outlines = np.array([ground.outline for ground in grounds], object)
    tree, areas = shapely.STRtree(outlines), shapely.area(outlines)
    boxes = shapely.bounds(outlines).reshape(-1, 4)
    pairs: list[tuple[int, int]] = []
    for start in range(0, len(outlines), CHUNK):
        one, other = tree.query(outlines[start : start + CHUNK])
        one = one + start
        one, other = one[one < other], other[one < other]
        smaller = np.minimum(areas[one], areas[other])
        low = np.maximum(boxes[one, :2], boxes[other, :2])
        high = np.minimum(boxes[one, 2:], boxes[other, 2:])
        near = np.prod(high - low, axis=1) >= LEAST_SHARE * smaller
        one, other, smaller = one[near], other[near], smaller[near]
        common = shapely.area(shapely.intersection(outlines[one], outlines[other]))
        found = common >= LEAST_SHARE * smaller
        pairs += zip(one[found].tolist(), other[found].tolist(), strict=True)
        if len(pairs) > MOST_PAIRS:
            break
    return pairs


def _kind(one: Ground, other: Ground, same_outline: bool) -> str | None:
    """Return ``'twice'``, ``'series'``, or None for two bands of one scene."""
    paths = [PurePosixPath(ground.path.lower()) for ground in (one, other)]
    bare = {BAND.sub('', str(path)) for path in paths}
    alike = _same_pixels(one.pixels, other.pixels)
    if len(bare) == 1 and not alike:
        return None
    if one.date and other.date:
        return 'twice' if one.date == other.date else 'series'
    years = [set(YEAR.findall(str(path))) for path in paths]
    if all(years) and years[0].isdisjoint(years[1]):
        return 'series'
    if paths[0].with_suffix('') == paths[1].with_suffix('') or not same_outline:
        return 'twice'
    return 'twice' if alike else 'series'


def _same_pixels(
    one: tuple[float, ...] | None, other: tuple[float, ...] | None
) -> bool:
    if one is None or other is None or len(one) != len(other):
        return True
    return np.allclose(one, other, rtol=SAME_PIXELS, atol=1e-9)
