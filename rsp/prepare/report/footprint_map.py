"""Draw the places of files on a map of the world and in close-ups."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from scipy.spatial import KDTree

from rsp.prepare.scan.groups import group_connected
from rsp.visualization.figures.svg import (
    ACCENT,
    INK,
    LINE,
    PAPER,
    SOFT,
    WARM,
    to_data_uri,
)

Outline = list[list[float]]

KILOMETERS_PER_DEGREE = 111.32
# Coasts of Natural Earth, 1:110 million, in the public domain (naturalearthdata.com):
# land joined over its borders, simplified to 0.2 degrees, without the smallest islands.
LAND = Path(__file__).with_name('land.json')
# Outlines drawn in a close-up.
MOST_OUTLINES = 1500


@dataclass(frozen=True)
class Place:
    """Store outlines that lie near each other.

    Attributes:
        outlines: Rings of longitude and latitude in degrees, on the same turn of the
            globe: beside longitude 180 they may go on beyond it.
    """

    outlines: list[Outline]

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Return west, south, east and north."""
        points = np.concatenate(self.outlines)
        (west, south), (east, north) = points.min(axis=0), points.max(axis=0)
        return west, south, east, north

    @property
    def center(self) -> tuple[float, float]:
        """Return longitude, from -180 to 180, and latitude."""
        west, south, east, north = self.bounds
        return ((west + east) / 2 + 180) % 360 - 180, (south + north) / 2

    @property
    def label(self) -> str:
        """Return the center as text."""
        longitude, latitude = self.center
        return f'{_north(latitude)} {_east(longitude)}'


def group_places(outlines: Sequence[Outline]) -> list[Place]:
    """Group outlines in touching cells of one degree, the largest group first.

    Args:
        outlines: Rings of longitude, which may go on beyond 180, and latitude, in
            degrees.
    """
    if not outlines:
        return []
    cells = np.floor([Place([outline]).center for outline in outlines])
    different, of_row = np.unique(cells, axis=0, return_inverse=True)
    # Longitudes -180 and 179 touch.
    tree = KDTree(np.add(different, [180, 0]), boxsize=[360, 0])
    pairs = tree.query_pairs(1, p=np.inf, output_type='ndarray')
    groups = group_connected(of_row.reshape(-1), pairs)
    groups.sort(key=lambda rows: (-len(rows), rows))
    return [_unwrap([outlines[row] for row in rows]) for rows in groups]


def _unwrap(outlines: Sequence[Outline]) -> Place:
    """Move outlines by whole turns of the globe to the first one."""
    middles = np.array([sum(Place([outline]).bounds[::2]) / 2 for outline in outlines])
    turns = 360 * np.round((middles[0] - middles) / 360)
    moved = zip(outlines, turns.tolist(), strict=True)
    return Place([[[lon + turn, lat] for lon, lat in ring] for ring, turn in moved])


def draw_globe(places: Sequence[Place], numbered: int) -> str:
    """Draw a dot for each place, numbers beside the first ones; return a data URI."""
    figure = Figure(figsize=(6.4, 3.4), layout='constrained')
    axes = figure.add_subplot(facecolor=PAPER)
    axes.set(xlim=(-180, 180), ylim=(-90, 90), aspect='equal')
    longitudes, latitudes = range(-120, 121, 60), range(-60, 61, 30)
    axes.set_xticks(longitudes, map(_east, longitudes))
    axes.set_yticks(latitudes, map(_north, latitudes))
    axes.tick_params(length=0, labelsize=7, labelcolor=SOFT)
    axes.grid(color=LINE, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    axes.add_collection(PolyCollection(read_land(), facecolors=LINE, zorder=0.5))
    # Large ones first, so that small ones lie on top.
    x, y = np.transpose([place.center for place in places])
    radii = np.array([4 + 2.4 * math.log10(len(place.outlines)) for place in places])
    axes.scatter(x, y, 4 * radii**2 / 2, c=WARM, alpha=0.75, edgecolors='white')
    for number, place in enumerate(places[:numbered], start=1):
        axes.annotate(
            str(number),
            place.center,
            xytext=(5, 3),
            textcoords='offset points',
            fontsize=9,
            fontweight='bold',
            color=INK,
        )
    return to_data_uri(figure)


def read_land() -> list[np.ndarray]:
    """Read the coasts of the world: rings of longitude and latitude, degrees."""
    return [*map(np.array, json.loads(LAND.read_bytes()))]


def draw_place(place: Place) -> str:
    """Draw the outlines of a place, with a scale bar; return a data URI."""
    west, south, east, north = place.bounds
    middle = np.array([(west + east) / 2, (south + north) / 2])
    shrink = math.cos(math.radians(np.clip(middle[1], -85, 85)))
    # From the middle, about: true at the middle's latitude.
    scale = np.array([KILOMETERS_PER_DEGREE * shrink, KILOMETERS_PER_DEGREE])
    half = max((east - west) * scale[0], (north - south) * scale[1]) / 2 * 1.3
    half = max(half, 1e-4)
    step = max(len(place.outlines) // MOST_OUTLINES, 1)
    rings = [(np.asarray(ring) - middle) * scale for ring in place.outlines[::step]]

    figure = Figure(figsize=(3, 3))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-half, half), ylim=(-half, half), aspect='equal')
    axes.set_axis_off()
    fill = to_rgba(ACCENT, 0.16)
    axes.add_collection(PolyCollection(rings, facecolors=fill, edgecolors=ACCENT))
    bar = round_length(half)
    left, bottom = -0.93 * half, -0.93 * half
    axes.plot([left, left + bar], [bottom, bottom], color=INK, linewidth=2.5)
    text = f'{bar:g} km' if bar >= 1 else f'{1000 * bar:g} m'
    axes.text(left, bottom + 0.04 * half, text, fontsize=9, color=INK)
    return to_data_uri(figure)


def round_length(longest: float) -> float:
    """Return the largest 1, 2 or 5 times a power of ten that is not longer."""
    power = 10 ** math.floor(math.log10(longest))
    return max(step * power for step in (1, 2, 5) if step * power <= longest)


def _north(latitude: float) -> str:
    return f'{abs(round(latitude, 2)):g}°{"S" if latitude < 0 else "N"}'


def _east(longitude: float) -> str:
    return f'{abs(round(longitude, 2)):g}°{"W" if longitude < 0 else "E"}'
