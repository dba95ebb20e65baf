"""Which windows of scenes a data set consists of, where that is a list."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mmengine.dist import is_main_process
from mmengine.logging import print_log

from rsp.datasets.window_counts import WindowCounts
from rsp.errors import UserError
from rsp.geo.land_cover.label_file import read_labels
from rsp.geo.windows.window import Window
from rsp.ops.fractions import class_fractions
from rsp.ops.tiling import tile_offsets


class ListedWindows:
    """The windows of a list, by number.

    Args:
        images: Of the scenes.
        windows: The list.
        cover: Gives fractions to windows that have none; None for none.
        counts: Counts what is read.
    """

    arranged = False

    def __init__(
        self,
        images: Any,
        windows: list['ListedWindow'],
        cover: Any,
        counts: WindowCounts,
    ) -> None:
        self.images, self.windows = images, windows
        self.cover, self.counts = cover, counts

    def __len__(self) -> int:
        return len(self.windows)

    def regions(self, numbers: Sequence[int]) -> list[Any]:
        """What will be read for windows."""
        listed = [self.windows[number] for number in numbers]
        return [self.images.region(scene, window) for scene, window, _ in listed]

    def load(self, number: int, seed: int) -> dict[str, Any]:
        """Read a window; nothing about it is random."""
        if not 0 <= number < len(self):
            raise IndexError(f'window {number} of {len(self)}')
        scene, window, score = self.windows[number]
        results = self.images.sample(scene, window)[0]
        self.counts.add('windows')
        if score is None and self.cover is not None:
            score = self.cover(scene, window)[0]
        return results if score is None else results | dict(gt_score=score)


class ListedWindow(NamedTuple):
    """A window of a list.

    Attributes:
        scene: Number of its scene.
        window: In pixels.
        score: Class fractions, shape (C,), or None.
    """

    scene: int
    window: Window
    score: np.ndarray | None = None


def grid_windows(
    scenes: Sequence[Any],
    size: tuple[int, int],
    stride: tuple[int, int],
    max_nodata: float,
) -> list[ListedWindow]:
    """Cover scenes by windows, columns outside and rows inside as published.

    Args:
        scenes: At least as large as a window.
        size: Height and width of windows.
        stride: Rows and columns from window to window.
        max_nodata: Windows with a larger share without data are left out, as far as
            the coarse mask tells; 1 keeps all.

    Raises:
        ValueError: If none is left.
    """
    windows, left_out = [], 0
    for number, scene in enumerate(scenes):
        empty = None if max_nodata >= 1 else ~scene.valid_mask
        for left in tile_offsets(scene.width, size[1], stride[1]):
            for top in tile_offsets(scene.height, size[0], stride[0]):
                window = Window(top, left, *size)
                if empty is not None and _share(empty, scene, window) > max_nodata:
                    left_out += 1
                else:
                    windows.append(ListedWindow(number, window))
    if left_out and is_main_process():
        print_log(
            f'{left_out} windows of the grid are left out for more than '
            f'{max_nodata:.0%} no-data, {len(windows)} are kept.',
            logger='current',
        )
    if not windows:
        raise UserError(
            f'expected windows with at most {max_nodata:.0%} no-data, got none; raise '
            "'max_nodata'."
        )
    return windows


def _share(empty: np.ndarray, scene: Any, window: Window) -> float:
    edge = scene.decimation
    rows = slice(window.top // edge, -(-window.bottom // edge))
    columns = slice(window.left // edge, -(-window.right // edge))
    return float(empty[rows, columns].mean())


def labelled_windows(
    file: Path, scenes: Sequence[Any], classes: Sequence, empty: Collection[str] = ()
) -> list[ListedWindow]:
    """The windows of a label file, with their class fractions.

    Args:
        file: See `read_labels`.
        scenes: Those that may be labelled.
        classes: Of the fractions, see `rsp.ops.fractions.class_fractions`.
        empty: Paths of scenes without any data, whose windows are left out: labels come
            from where a scene lies, not from its pixels.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no label file, or does not belong to these scenes.
    """
    numbers = {scene.path: number for number, scene in enumerate(scenes)}
    labels = read_labels(file)
    windows, left_out = [], 0
    for image, box, counts in zip(
        labels.images, labels.windows.tolist(), labels.counts, strict=True
    ):
        number = numbers.get(image)
        if image in empty:
            left_out += 1
            continue
        if number is None:
            raise UserError(
                f"expected the scenes that '{file}' labels, there is no readable "
                f"'{image}'; set 'data_root' to the folder of the scenes, repair the "
                'file, or remove it and make the labels anew.'
            )
        scene, window = scenes[number], Window(*box)
        if not window.is_inside(scene.shape):
            raise UserError(
                f'expected windows within height {scene.height} and width '
                f"{scene.width} of '{image}', got {window} in '{file}'; make the "
                'labels anew.'
            )
        score = class_fractions(counts, classes).astype(np.float32)
        windows.append(ListedWindow(number, window, score))
    if left_out and is_main_process():
        print_log(
            f"{left_out} of the {len(labels.images)} windows of '{file}' are left out, "
            'of scenes that are all no-data.',
            logger='current',
        )
    if not windows:
        raise UserError(
            f"expected a line per window of a scene with data in '{file}', got none."
        )
    return windows
