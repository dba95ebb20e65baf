"""Number the valid pixels of scenes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from rsp.errors import UserError
from rsp.geo.scene import Scene


class ValidArea:
    """Lay out the valid pixels of many scenes on one line.

    Validity is that of the scenes' coarse masks: a small cell of a scene is valid as a
    whole or not at all.

    Args:
        scenes: In a fixed order.

    Raises:
        UserError: If no scene has a valid pixel.
    """

    def __init__(self, scenes: Sequence[Scene]) -> None:
        self.scenes = scenes
        self.pixels = np.array([_valid_count(scene) for scene in scenes], np.int64)
        if not self.pixels.any():
            raise UserError(
                f'expected valid pixels in the scenes, all {len(scenes)} are no-data.'
            )
        self._ends = np.cumsum(self.pixels)
        # A few scenes are drawn from at a time; masks of all would fill the memory.
        self._cells = lru_cache(maxsize=256)(self._valid_cells)

    def __getstate__(self) -> dict[str, Any]:
        return {name: v for name, v in vars(self).items() if name != '_cells'}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._cells = lru_cache(maxsize=256)(self._valid_cells)

    @property
    def total(self) -> int:
        """Valid pixels of all scenes."""
        return int(self._ends[-1])

    @property
    def shares(self) -> np.ndarray:
        """Share of each scene, shape (S,), summing to 1."""
        return self.pixels / self.total

    @property
    def starts(self) -> np.ndarray:
        """Number of each scene's first valid pixel, shape (S,)."""
        return self._ends - self.pixels

    def place(self, number: int) -> tuple[int, int, int]:
        """Return where a valid pixel lies.

        Args:
            number: From 0 to ``total - 1``.

        Returns:
            Number of its scene, row and column.
        """
        scene = int(np.searchsorted(self._ends, number, side='right'))
        within = number - int(self._ends[scene] - self.pixels[scene])
        facts = self.scenes[scene]
        if facts.valid_share == 1.0:
            return scene, *divmod(within, facts.width)
        ends, rows, columns = self._cells(scene)
        cell = int(np.searchsorted(ends, within, side='right'))
        edge = facts.decimation
        left, top = int(columns[cell]) * edge, int(rows[cell]) * edge
        width = min(edge, facts.width - left)
        before = int(ends[cell - 1]) if cell else 0
        row, column = divmod(within - before, width)
        return scene, top + row, left + column

    def _valid_cells(self, scene: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        facts = self.scenes[scene]
        rows, columns = np.nonzero(facts.valid_mask)
        heights, widths = _cell_edges(facts)
        return np.cumsum(heights[rows] * widths[columns]), rows, columns


def _valid_count(scene: Scene) -> int:
    if scene.valid_share == 1.0:
        return scene.width * scene.height
    heights, widths = _cell_edges(scene)
    return int(heights @ scene.valid_mask.astype(np.int64) @ widths)


def _cell_edges(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Return heights of rows and widths of columns of the coarse mask, pixels."""
    return tuple(  # type: ignore[return-value]
        np.diff(np.append(np.arange(0, size, scene.decimation), size))
        for size in (scene.height, scene.width)
    )
