"""Find the blocks in which a raster is stored, and windows that share them.

Every size is (height, width) in pixels: ``size`` of a window, ``block`` of a block and
``shape`` of the raster, where the last blocks are cut off.
"""

from collections.abc import Iterator

from rsp.geo.windows.window import Window

Size = tuple[int, int]


def center_window(row: int, column: int, size: Size, shape: Size) -> Window:
    """Return the window around a pixel, shifted into the raster where needed.

    Args:
        row: Of the pixel.
        column: Of the pixel.
        size: Of the window, at most ``shape``.
        shape: Of the raster.
    """
    top = min(max(row - size[0] // 2, 0), shape[0] - size[0])
    left = min(max(column - size[1] // 2, 0), shape[1] - size[1])
    return Window(top, left, *size)


def expand_to_blocks(window: Window, block: Size, shape: Size) -> Window:
    """Return the whole blocks under a window."""
    top, left = window.top - window.top % block[0], window.left - window.left % block[1]
    bottom = min(-(-window.bottom // block[0]) * block[0], shape[0])
    right = min(-(-window.right // block[1]) * block[1], shape[1])
    return Window(top, left, bottom - top, right - left)


def count_blocks(window: Window, block: Size) -> int:
    """Count the blocks under a window."""
    rows = -(-window.bottom // block[0]) - window.top // block[0]
    return rows * (-(-window.right // block[1]) - window.left // block[1])


def neighbors(window: Window, block: Size, shape: Size) -> tuple[range, range]:
    """Return where windows of this size begin that begin in the same block.

    Windows whose corner is drawn evenly, and neighbors drawn evenly from here, are
    spread alike over a raster.

    Returns:
        Their first rows and their first columns.
    """
    top, left = window.top - window.top % block[0], window.left - window.left % block[1]
    return (
        range(top, min(top + block[0] - 1, shape[0] - window.height) + 1),
        range(left, min(left + block[1] - 1, shape[1] - window.width) + 1),
    )


def block_union(window: Window, block: Size, shape: Size) -> Window:
    """Return the whole blocks under a window and all its neighbors."""
    tops, lefts = neighbors(window, block, shape)
    together = Window(
        tops[0],
        lefts[0],
        tops[-1] - tops[0] + window.height,
        lefts[-1] - lefts[0] + window.width,
    )
    return expand_to_blocks(together, block, shape)


def align_to_block(
    row: int, column: int, size: Size, block: Size, shape: Size
) -> Window:
    """Return the window with a pixel that needs no block but its own.

    It begins where the pixel's block does; in a larger block, where whole windows fit.
    At the end of the raster it is shifted inside.
    """
    corner = []
    for place, edge, step, end in zip((row, column), size, block, shape, strict=True):
        start = place - place % step
        if step > edge:
            start += min((place - start) // edge * edge, step - edge)
        corner.append(min(start, end - edge))
    return Window(corner[0], corner[1], *size)


def iter_blocks(
    window: Window, block: Size
) -> Iterator[tuple[Size, tuple[slice, slice], tuple[slice, slice]]]:
    """Iterate over the blocks under a window.

    Yields:
        Row and column of a block, rows and columns within the block, and rows and
        columns within the window.
    """
    for row in range(window.top // block[0], -(-window.bottom // block[0])):
        rows, in_window = _common(row * block[0], block[0], window.top, window.bottom)
        for column in range(window.left // block[1], -(-window.right // block[1])):
            columns, place = _common(
                column * block[1], block[1], window.left, window.right
            )
            yield (row, column), (rows, columns), (in_window, place)


def _common(start: int, step: int, first: int, end: int) -> tuple[slice, slice]:
    """Return what a block and a window share along one edge, as each counts it."""
    low, high = max(start, first), min(start + step, end)
    return slice(low - start, high - start), slice(low - first, high - first)
