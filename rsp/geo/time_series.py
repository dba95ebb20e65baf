"""Find scenes that show the same ground, pixel by pixel, at another time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np

from rsp.geo.files.acquisition_date import acquisition_date
from rsp.geo.overlaps import YEAR
from rsp.geo.scene import Scene
from rsp.geo.windows.window import Window

# Of a pixel: what grids may be apart, and how much that may grow over a scene.
SHIFT, DRIFT = 0.5, 0.1


class OtherTime(NamedTuple):
    """Point from a scene to another one of the same ground.

    Attributes:
        scene: Number of the other one.
        rows: To be added to a row of the first for the same ground in the other.
        columns: To be added to a column.
    """

    scene: int
    rows: int
    columns: int

    def window(self, window: Window, shape: Sequence[int]) -> Window | None:
        """Return the same ground in the other scene, or None where it has none.

        Args:
            window: In the first scene.
            shape: Height and width of the other one, pixels.
        """
        top, left = window.top + self.rows, window.left + self.columns
        if min(top, left) < 0:
            return None
        if top + window.height > shape[0] or left + window.width > shape[1]:
            return None
        return window._replace(top=top, left=left)


def time_of(scene: Scene) -> str | None:
    """Return the date of a scene, else the one year in its name; None without."""
    name = PurePosixPath(scene.path).name
    found = acquisition_date(name, scene.tags)
    years = {*YEAR.findall(name)}
    return found or (years.pop() if len(years) == 1 else None)


def other_times(
    scenes: Sequence[Scene], least: tuple[int, int] = (1, 1)
) -> list[tuple[OtherTime, ...]]:
    """Find for each scene those of the same grid that were taken at another time.

    Grids are the same if reference system and pixel size are, and one is the other
    shifted by whole pixels, to half of one. Nothing is resampled: tiles of Sentinel-2
    and ready-to-use Landsat scenes of one path and row lie on such grids.

    Args:
        scenes: Of an index.
        least: Height and width in pixels that both have to show.

    Returns:
        Per scene, the others of which it shows so much, by number.
    """
    grids: dict[tuple, list[int]] = defaultdict(list)
    times = [time_of(scene) for scene in scenes]
    for number, scene in enumerate(scenes):
        if None in (scene.crs, scene.transform, times[number]):
            continue
        a, b, _, d, e, _ = scene.transform  # type: ignore[misc]
        # Neighboring grids of a size that differs in its last digits fall together, ...
        key = tuple(float(f'{value:.4g}') for value in (a, b, d, e))
        grids[scene.crs, key].append(number)
    found: list[tuple[OtherTime, ...]] = [()] * len(scenes)
    for numbers in grids.values():
        for number in numbers:
            near = (
                _shifted(scenes, number, other, least)
                for other in numbers
                if times[other] != times[number]
            )
            found[number] = tuple(one for one in near if one is not None)
    return found


def _shifted(
    scenes: Sequence[Scene], number: int, other: int, least: tuple[int, int]
) -> OtherTime | None:
    first, second = scenes[number], scenes[other]
    matrices = []
    for scene in (first, second):
        a, b, c, d, e, f = scene.transform  # type: ignore[misc]
        matrices.append(np.array([[a, b, c], [d, e, f], [0, 0, 1]]))
    # From pixels of the first scene to those of the second one.
    move = np.linalg.solve(matrices[1], matrices[0])
    corners = np.array([[0, 0, 1], [first.width, first.height, 1]]).T
    columns, rows = (move @ corners - corners)[:2]
    offset = round(rows.mean()), round(columns.mean())
    # ... and are told apart here.
    for values, whole in zip((rows, columns), offset, strict=True):
        if np.ptp(values) > DRIFT or np.abs(values - whole).max() > SHIFT + DRIFT:
            return None
    for size, from_there, shift, wanted in zip(
        first.shape, second.shape, offset, least, strict=True
    ):
        if min(size, from_there - shift) - max(0, -shift) < wanted:
            return None
    return OtherTime(other, *offset)
