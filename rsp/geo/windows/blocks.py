"""Blocks in which a raster is stored, and windows that share them."""

from collections.abc import Iterator

Window = tuple[int, int, int, int]


def around(x: int, y: int, shape: tuple[int, int], size: tuple[int, int]) -> Window:
    """The window with a pixel in its middle, shifted into the raster where needed.

    Args:
        x: Of the pixel.
        y: Of the pixel.
        shape: Width and height of the window, at most those of the raster.
        size: Width and height of the raster.
    """
    left = min(max(x - shape[0] // 2, 0), size[0] - shape[0])
    top = min(max(y - shape[1] // 2, 0), size[1] - shape[1])
    return left, top, *shape


def aligned(window: Window, block: tuple[int, int], size: tuple[int, int]) -> Window:
    """The whole blocks under a window.

    Args:
        window: x, y, width and height.
        block: Width and height of a block.
        size: Width and height of the raster, where the last blocks are cut off.
    """
    x, y, width, height = window
    left, top = x - x % block[0], y - y % block[1]
    right = min(-(-(x + width) // block[0]) * block[0], size[0])
    bottom = min(-(-(y + height) // block[1]) * block[1], size[1])
    return left, top, right - left, bottom - top


def siblings(
    window: Window, block: tuple[int, int], size: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Where windows of this size begin that begin in the same block.

    Windows whose corner is drawn evenly, and siblings drawn evenly from here, are
    spread alike over a raster.

    Args:
        window: x, y, width and height.
        block: Width and height of a block.
        size: Width and height of the raster.

    Returns:
        First and last x, first and last y.
    """
    x, y, width, height = window
    left, top = x - x % block[0], y - y % block[1]
    return (
        left,
        min(left + block[0] - 1, size[0] - width),
        top,
        min(top + block[1] - 1, size[1] - height),
    )


def family(window: Window, block: tuple[int, int], size: tuple[int, int]) -> Window:
    """The whole blocks under a window and all its siblings."""
    first_x, last_x, first_y, last_y = siblings(window, block, size)
    around = (
        first_x,
        first_y,
        last_x - first_x + window[2],
        last_y - first_y + window[3],
    )
    return aligned(around, block, size)


def snapped(
    x: int,
    y: int,
    shape: tuple[int, int],
    block: tuple[int, int],
    size: tuple[int, int],
) -> Window:
    """The window with a pixel that needs no block but its own.

    It begins where the pixel's block does; in a larger block, where whole windows fit.

    Args:
        x: Of the pixel.
        y: Of the pixel.
        shape: Width and height of the window.
        block: Width and height of a block.
        size: Width and height of the raster, into which the window is shifted.
    """
    starts = []
    for place, edge, step, end in zip((x, y), shape, block, size, strict=True):
        start = place - place % step
        if step > edge:
            start += min((place - start) // edge * edge, step - edge)
        starts.append(min(start, end - edge))
    return starts[0], starts[1], *shape


def pieces(
    window: Window, block: tuple[int, int]
) -> Iterator[tuple[tuple[int, int], tuple[slice, slice], tuple[slice, slice]]]:
    """The blocks under a window.

    Args:
        window: x, y, width and height.
        block: Width and height of a block.

    Yields:
        Row and column of a block, rows and columns within the block, and rows and
        columns within the window.
    """
    x, y, width, height = window
    for row in range(y // block[1], -(-(y + height) // block[1])):
        top = row * block[1]
        first, end = max(y, top), min(y + height, top + block[1])
        rows, in_window = slice(first - top, end - top), slice(first - y, end - y)
        for column in range(x // block[0], -(-(x + width) // block[0])):
            left = column * block[0]
            first, end = max(x, left), min(x + width, left + block[0])
            yield (
                (row, column),
                (rows, slice(first - left, end - left)),
                (in_window, slice(first - x, end - x)),
            )
