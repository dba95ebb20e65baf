"""Where on the globe files lie, as SVG: an overview and close-ups."""

import math
from collections import defaultdict
from collections.abc import Sequence
from itertools import product

import numpy as np

from rsp.prepare.report.charts import round_length

Outline = list[list[float]]

KILOMETRES_PER_DEGREE = 111.32
PANEL = 340
# Close-ups drawn, and outlines in each.
MOST_PLACES, MOST_OUTLINES = 8, 1500


def draw(outlines: Sequence[Outline]) -> str:
    """Draw the outlines: one drawing of the globe and one of each place.

    Args:
        outlines: Rings of longitude, which may go on beyond 180, and latitude, in
            degrees; at least one.
    """
    places = [_one_turn([outlines[row] for row in rows]) for rows in group(outlines)]
    panels = [
        _close_up(number, place)
        for number, place in enumerate(places[:MOST_PLACES], start=1)
    ]
    rest = len(places) - len(panels)
    note = f'<p>and {rest} more places</p>' if rest else ''
    globe = _globe(places)
    layout = 'where' if len(panels) <= 2 else 'where many'
    close_ups = f'<div class="places">{"".join(panels)}</div>'
    return f'<div class="{layout}">{globe}{close_ups}</div>{note}'


def group(outlines: Sequence[Outline]) -> list[list[int]]:
    """Outlines by place: numbers of those in touching cells of one degree.

    The largest place comes first.
    """
    cells: dict[tuple[int, int], list[int]] = defaultdict(list)
    for row, outline in enumerate(outlines):
        west, south, east, north = _bounds([outline])
        # Cells 359 and 0 touch.
        cell = math.floor((west + east) / 2) % 360, math.floor((south + north) / 2)
        cells[cell].append(row)
    places = []
    while cells:
        cell, rows = cells.popitem()
        waiting = [cell]
        while waiting:
            x, y = waiting.pop()
            for dx, dy in product((-1, 0, 1), repeat=2):
                near = (x + dx) % 360, y + dy
                if near in cells:
                    rows = rows + cells.pop(near)
                    waiting.append(near)
        places.append(sorted(rows))
    return sorted(places, key=lambda rows: (-len(rows), rows))


def _one_turn(outlines: Sequence[Outline]) -> list[Outline]:
    """Outlines of a place, all as far round the globe as the first one."""
    middles = [sum(_bounds([outline])[::2]) / 2 for outline in outlines]
    turns = [360 * round((middles[0] - middle) / 360) for middle in middles]
    return [
        [[lon + turn, lat] for lon, lat in outline]
        for outline, turn in zip(outlines, turns, strict=True)
    ]


def _bounds(outlines: Sequence[Outline]) -> tuple[float, float, float, float]:
    points = np.concatenate([np.asarray(outline) for outline in outlines])
    (west, south), (east, north) = points.min(axis=0), points.max(axis=0)
    return west, south, east, north


def _globe(places: Sequence[Sequence[Outline]]) -> str:
    lines = ''.join(
        f'<line x1="{lon}" x2="{lon}" y1="-90" y2="90"/>'
        for lon in range(-180, 181, 30)
    ) + ''.join(
        f'<line x1="-180" x2="180" y1="{lat}" y2="{lat}"/>'
        for lat in range(-90, 91, 30)
    )
    dots = []
    # Large ones first, so that small ones lie on top.
    for number, outlines in enumerate(places, start=1):
        west, south, east, north = _bounds(outlines)
        x, y = _wrapped((west + east) / 2), -(south + north) / 2
        radius = 2 + 1.2 * math.log10(len(outlines))
        dots.append(f'<circle cx="{x:.3f}" cy="{y:.3f}" r="{radius:.1f}"/>')
        if number <= MOST_PLACES:
            dots.append(f'<text x="{x + 3.5:.3f}" y="{y - 2:.3f}">{number}</text>')
    labels = ''.join(
        f'<text class="grid" x="{lon}" y="97" text-anchor="middle">{_east(lon)}</text>'
        for lon in range(-150, 151, 60)
    ) + ''.join(
        f'<text class="grid" x="-183" y="{1.5 - lat}" text-anchor="end">'
        f'{_north(lat)}</text>'
        for lat in (-60, -30, 0, 30, 60)
    )
    return (
        '<svg viewBox="-200 -92 384 192" class="globe" role="img">'
        '<rect x="-180" y="-90" width="360" height="180"/>'
        f'<g class="lines">{lines}</g>{labels}{"".join(dots)}</svg>'
    )


def _close_up(number: int, outlines: list[Outline]) -> str:
    west, south, east, north = _bounds(outlines)
    shrink = math.cos(math.radians(max(min((south + north) / 2, 85), -85)))
    # In kilometres from the middle, about: true at the middle's latitude.
    scale = np.array([KILOMETRES_PER_DEGREE * shrink, -KILOMETRES_PER_DEGREE])
    middle = np.array([(west + east) / 2, (south + north) / 2])
    half = max((east - west) * scale[0], (south - north) * scale[1]) / 2 * 1.3
    half = max(half, 1e-4)
    zoom = PANEL / 2 / half
    step = max(len(outlines) // MOST_OUTLINES, 1)
    rings = ''
    for outline in outlines[::step]:
        points = (np.asarray(outline) - middle) * scale * zoom
        rings += 'M' + 'L'.join(f'{x:.1f} {y:.1f}' for x, y in points) + 'Z'
    bar = round_length(half)
    length = f'{bar:g} km' if bar >= 1 else f'{1000 * bar:g} m'
    edge = PANEL / 2
    return (
        f'<figure><svg viewBox="{-edge} {-edge} {PANEL} {PANEL}" class="place" '
        f'role="img"><path d="{rings}"/>'
        f'<g class="scale"><line x1="{-edge + 12}" x2="{-edge + 12 + bar * zoom:.1f}" '
        f'y1="{edge - 12}" y2="{edge - 12}"/>'
        f'<text x="{-edge + 12}" y="{edge - 18}">{length}</text></g></svg>'
        f'<figcaption><b>{number}</b> {len(outlines):,} '
        f'{"file" if len(outlines) == 1 else "files"} around '
        f'{_north(middle[1])} {_east(middle[0])}</figcaption></figure>'
    )


def _north(latitude: float) -> str:
    return f'{abs(round(latitude, 2)):g}°{"S" if latitude < 0 else "N"}'


def _wrapped(longitude: float) -> float:
    """From -180 to 180."""
    return (longitude + 180) % 360 - 180


def _east(longitude: float) -> str:
    longitude = _wrapped(longitude)
    return f'{abs(round(longitude, 2)):g}°{"W" if longitude < 0 else "E"}'
