"""Cover an image with tiles of one size."""

from collections.abc import Iterator

from rsp.errors import UserError


def tile_offsets(length: int, tile: int, stride: int) -> list[int]:
    """Return the offsets of tiles along one edge; the last one ends at the border.

    Args:
        length: Pixels of the edge.
        tile: Pixels of a tile, at most ``length``.
        stride: Pixels between tiles.

    Returns:
        Rising offsets in pixels, ceil((length - tile) / stride) + 1 of them.

    Examples:
        >>> tile_offsets(1000, 400, 300)
        [0, 300, 600]
        >>> tile_offsets(1100, 400, 300)
        [0, 300, 600, 700]

    Raises:
        UserError: If no tile fits.
    """
    if tile > length or min(tile, stride) < 1:
        raise UserError(
            f'expected tiles of 1 to {length} pixels and a stride of at least 1, got '
            f'{tile} and {stride}.'
        )
    return [*range(0, length - tile, stride), length - tile]


def tile_corners(
    size: tuple[int, int], tile: int, stride: int
) -> Iterator[tuple[int, int]]:
    """Yield (top, left) of the square tiles of an image, row by row.

    Args:
        size: (H, W) of the image, pixels.
        tile: See `tile_offsets`.
        stride: See `tile_offsets`.
    """
    for top in tile_offsets(size[0], tile, stride):
        for left in tile_offsets(size[1], tile, stride):
            yield top, left
