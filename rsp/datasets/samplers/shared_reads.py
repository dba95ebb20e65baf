"""Let windows of a batch lie where one read of a compressed file serves several."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsp.geo.windows.blocks import count_blocks
from rsp.geo.windows.window import Window

# Windows of a read: 2 x 2 that touch need 9 tiles of their size in place of 16. Rows
# are decoded from border to border, where many windows lie far from each other.
MOST_IN_TILES, MOST_IN_ROWS = 4, 8
# Codes of a window that shares a read, see `parts_of`.
CODES = MOST_IN_ROWS * (MOST_IN_ROWS + 1) // 2
# Items of a batch, one after another, among which reads are shared. Part of what an
# epoch is made of, as batches have to be the same on any number of processes.
CHUNK = 32


def most_of(scene: Any, size: tuple[int, int]) -> int:
    """Return how many windows of a scene share a read at most; 1 if none do.

    Those of raw files do not, which decode nothing, nor those without room beside each
    other.

    Args:
        scene: Of the index.
        size: Of windows, (height, width) in pixels.
    """
    if scene.compression is None:
        return 1
    if _is_in_rows(scene):
        room = (scene.width - size[1] + 1) // size[1]
        return max(min(room, MOST_IN_ROWS), 1)
    has_room = scene.height >= 3 * size[0] and scene.width >= 4 * size[1]
    return MOST_IN_TILES if has_room else 1


def share_reads(
    scenes: NDArray[np.int64], places: NDArray[np.int64], most: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Group items of the same scene, and move them to one place.

    Which scenes a batch has, and how often, stays. Items of a group come one after
    another, where the first item of their scene was.

    Args:
        scenes: Of the items, shape (batches, items).
        places: Of the items, numbers of valid pixels, same shape.
        most: Windows of a group of each scene at most, see `most_of`, shape (S,).

    Returns:
        Places, that of the first item of a group for all of them; and codes, see
        `parts_of`; both of the same shape, in the new order.
    """
    done = [
        _share_chunk(
            scenes[:, first : first + CHUNK], places[:, first : first + CHUNK], most
        )
        for first in range(0, scenes.shape[1], CHUNK)
    ]
    new_places, codes = (
        np.concatenate(parts, axis=1) for parts in zip(*done, strict=True)
    )
    return new_places, codes


def _share_chunk(
    scenes: NDArray[np.int64], places: NDArray[np.int64], most: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    positions = np.broadcast_to(np.arange(scenes.shape[1]), scenes.shape)
    # Those that share nothing are runs of one, under numbers of no scene.
    runs = np.where(most[scenes] > 1, scenes, -1 - positions)
    order = np.argsort(runs, axis=1, kind='stable')
    runs = np.take_along_axis(runs, order, axis=1)
    is_first = np.ones(runs.shape, bool)
    is_first[:, 1:] = runs[:, 1:] != runs[:, :-1]
    starts = np.maximum.accumulate(np.where(is_first, positions, 0), axis=1)
    counts = np.stack([np.bincount(row, minlength=row.size) for row in starts])
    lengths = np.take_along_axis(counts, starts, axis=1)
    within = positions - starts
    bound = np.take_along_axis(most[scenes], order, axis=1)
    first = starts + within // bound * bound
    number = np.minimum(lengths - (first - starts), bound)
    codes = number * (number - 1) // 2 + within % bound
    sorted_places = np.take_along_axis(places, order, axis=1)
    anchors = np.take_along_axis(sorted_places, first, axis=1)
    # Runs go where their first item was, in random order.
    final = np.argsort(np.take_along_axis(order, starts, axis=1), 1, kind='stable')
    return tuple(np.take_along_axis(a, final, axis=1) for a in (anchors, codes))  # type: ignore[return-value]


def parts_of(code: int) -> tuple[int, int]:
    """Return how many windows share a read, and which of them is meant.

    Args:
        code: 0 for one alone, 1 and 2 for the first and the second of two, and so on
            on, to 35 for the last of eight.
    """
    number = 1
    while code >= number:
        code -= number
        number += 1
    return number, code


def windows_of(first: Window, number: int, scene: Any) -> list[Window]:
    """Return the windows that share a read, without overlap.

    In a file of tiles they touch: side by side, four as 2 x 2. In a file of rows, all
    of which are decoded anyway, they are spread evenly over these. What would leave the
    scene enters it again on the other side, so that windows are as frequent anywhere as
    the first ones.

    Args:
        first: The first of them.
        number: How many, see `most_of`.
        scene: Of the index, see `most_of`.
    """
    rows = scene.height - first.height + 1
    columns = scene.width - first.width + 1
    found = []
    for part in range(number):
        if _is_in_rows(scene):
            down, right = 0, part * (columns // number)
        else:
            across = number if number < MOST_IN_TILES else 2
            down, right = part // across * first.height, part % across * first.width
        top, left = (first.top + down) % rows, (first.left + right) % columns
        found.append(first._replace(top=top, left=left))
    return found


def region_of(windows: Sequence[Window], which: int, scene: Any) -> Window:
    """Return what is read for one of the windows that share a read.

    Args:
        windows: Of `windows_of`.
        which: Number of one of them.
        scene: That they lie in.

    Returns:
        The rectangle around all; or the window alone, where one of them went to the
        other side of the scene and the rectangle would take more blocks than they.
    """
    top, left = min(w.top for w in windows), min(w.left for w in windows)
    bottom, right = max(w.bottom for w in windows), max(w.right for w in windows)
    around = Window(top, left, bottom - top, right - left)
    apart = sum(count_blocks(window, scene.block) for window in windows)
    return around if count_blocks(around, scene.block) <= apart else windows[which]


def _is_in_rows(scene: Any) -> bool:
    return bool(scene.block[1] >= scene.width)
