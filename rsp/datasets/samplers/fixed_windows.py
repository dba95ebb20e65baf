"""Sample windows of a list: of a grid, or of a label file."""

import os
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from mmengine.dist import is_main_process
from mmengine.logging import print_log

from rsp.datasets.samplers.protocol import BatchShape
from rsp.datasets.samplers.window_query import WindowQuery, as_size
from rsp.errors import UserError
from rsp.geo.land_cover.label_file import LandCoverLabels, read_labels
from rsp.geo.windows.window import Window
from rsp.ops import check
from rsp.ops.tiling import tile_offsets
from rsp.registry import DATA_SAMPLERS


class FixedWindows:
    """Store a list of windows; a window's number is its place in it.

    Args:
        index: Of the scenes that have windows.
        windows: With the number of their scene.
    """

    is_batched = False
    is_labeled = False

    def __init__(self, index: Any, windows: list[WindowQuery]) -> None:
        self.index, self.windows = index, windows

    def __len__(self) -> int:
        return len(self.windows)

    def sample_indices(
        self,
        rng: np.random.Generator,
        batch: BatchShape | None = None,
        num_items: int | None = None,
        per_item: int = 1,
    ) -> np.ndarray:
        """Return every number once; nothing is drawn."""
        return np.arange(len(self), dtype=np.int64)[:, None]

    def plan(self, indices: Sequence[int]) -> list[WindowQuery]:
        """Return windows of the list."""
        return [self.windows[index] for index in indices]

    def draw(self, index: int, rng: Random) -> WindowQuery:
        """Return a window of the list."""
        if not 0 <= index < len(self):
            raise IndexError(f'window {index} of {len(self)}')
        return self.windows[index]

    def redraw(self, query: WindowQuery, rng: Random) -> WindowQuery:
        """Return the same window: there is no other one."""
        return query

    def another(self, index: int, rng: Random) -> int:
        """Return the number of the next window."""
        return (index + 1) % len(self)


@DATA_SAMPLERS.register_module()
class GridWindowSampler(FixedWindows):
    """Cover scenes by windows, columns outside and rows inside as published.

    Source: GeoKR's cropper. The last windows of a row and of a column end at the border
    of the scene.

    Args:
        index: Of scenes; those smaller than a window are left out.
        size: Edge, or height and width, of windows in pixels.
        stride: Pixels from window to window, one number or rows and columns; None for
            the size.
        max_nodata: Windows with a larger share without data are left out, as far as
            the coarse mask tells; 1 keeps all.

    Raises:
        UserError: If no window is left.
    """

    def __init__(
        self,
        index: Any,
        size: int | Sequence[int] = 256,
        stride: int | Sequence[int] | None = None,
        max_nodata: float = 1.0,
    ) -> None:
        check.between("'max_nodata'", max_nodata, 0, 1)
        self.size = as_size('size', size)
        rows, columns = self.size if stride is None else as_size('stride', stride)
        index = index.select(self.size)
        height, width = self.size
        places = [
            (number, Window(top, left, height, width))
            for number, scene in enumerate(index.scenes)
            for left in tile_offsets(scene.width, width, columns)
            for top in tile_offsets(scene.height, height, rows)
        ]
        every = [WindowQuery(number, window, window) for number, window in places]
        if max_nodata < 1:
            every = _with_data(index.scenes, every, max_nodata, 'of the grid')
        super().__init__(index, every)


@DATA_SAMPLERS.register_module()
class LabeledWindowSampler(FixedWindows):
    """Sample exactly the windows of a label file.

    Those without data are left out: labels come from where a scene lies, not from its
    pixels, and an empty window is no picture of its land cover.

    Args:
        index: Of scenes.
        file: Label file of make_land_cover_labels.py, or its folder.
        max_nodata: Windows with a larger share of pixels without data are left out, as
            the label file tells it, or the coarse mask; 1 keeps all of scenes with
            any data.

    Raises:
        MissingData: If there is no such file.
        UserError: If it is no label file, or belongs to other scenes.
    """

    is_labeled = True

    def __init__(
        self, index: Any, file: str | os.PathLike, max_nodata: float = 0.1
    ) -> None:
        check.between("'max_nodata'", max_nodata, 0, 1)
        labels = read_labels(Path(file))
        empty = {scene.path for scene in index.scenes if not scene.valid_share}
        index = index.select((1, 1))
        numbers = {scene.path: number for number, scene in enumerate(index.scenes)}
        rows = [row for row, name in enumerate(labels.images) if name not in empty]
        windows = [_labeled(index.scenes, numbers, file, labels, row) for row in rows]
        left_out = len(labels.images) - len(windows)
        if left_out and is_main_process():
            print_log(
                f"{left_out} of the {len(labels.images)} windows of '{file}' are left "
                'out, of scenes that are all no-data.',
                logger='current',
            )
        if not windows:
            raise UserError(
                'expected a line per window of a scene with data in '
                f"'{file}', got none."
            )
        if max_nodata < 1:
            known = labels.valid[rows]
            what = f"of '{file}'"
            windows = _with_data(index.scenes, windows, max_nodata, what, known)
        super().__init__(index, windows)


def _with_data(
    scenes: Sequence[Any],
    windows: list[WindowQuery],
    max_nodata: float,
    what: str,
    known: np.ndarray | None = None,
) -> list[WindowQuery]:
    """Leave out windows that are no-data, and say how many.

    Args:
        scenes: Of the index.
        windows: Those of a scene beside each other.
        max_nodata: Largest share.
        what: Whose windows they are, for messages.
        known: Share of each window with data; the coarse mask tells where it is 1.
    """
    from rsp.geo.windows.valid_share import coarse_share

    kept, masks = [], {}
    for place, query in enumerate(windows):
        number, scene = query.scene, scenes[query.scene]
        if number not in masks:
            masks = {number: scene.valid_mask}
        share = 1.0 if known is None else known[place]
        if share == 1:
            share = coarse_share(scene, masks[number], query.window)
        if 1 - share <= max_nodata:
            kept.append(query)
    if len(kept) < len(windows) and is_main_process():
        print_log(
            f'{len(windows) - len(kept)} windows {what} are left out for more '
            f'than {max_nodata:.0%} no-data, {len(kept)} are kept.',
            logger='current',
        )
    if not kept:
        raise UserError(
            f'expected windows {what} with at most {max_nodata:.0%} no-data, got none; '
            "raise 'max_nodata'."
        )
    return kept


def _labeled(
    scenes: Sequence[Any],
    numbers: dict[str, int],
    file: Any,
    labels: LandCoverLabels,
    row: int,
) -> WindowQuery:
    image, window = labels.images[row], Window(*labels.windows[row].tolist())
    if image not in numbers:
        raise UserError(
            f"expected the scenes that '{file}' labels, there is no readable "
            f"'{image}'; set 'data_root' to the folder of the scenes, repair the file, "
            'or remove it and make the labels anew.'
        )
    height, width = scenes[numbers[image]].shape
    if not window.is_inside((height, width)):
        raise UserError(
            f'expected windows within height {height} and width {width} of '
            f"'{image}', got {window} in '{file}'; make the labels anew."
        )
    return WindowQuery(numbers[image], window, window, labels.counts[row])
