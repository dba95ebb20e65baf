"""Cover an image with tiles of one size."""

from rsp.errors import UserError


def tile_offsets(length: int, tile: int, stride: int) -> list[int]:
    """Return the offsets of tiles along one edge; the last one ends at the border.

    Args:
        length: Pixels of the edge.
        tile: Pixels of a tile, at most ``length``.
        stride: Pixels between tiles.

    Returns:
        Rising offsets in pixels, ceil((length - tile) / stride) + 1 of them.

    Raises:
        UserError: If no tile fits.
    """
    if tile > length or min(tile, stride) < 1:
        raise UserError(
            f'expected tiles of 1 to {length} pixels and a stride of at least 1, got '
            f'{tile} and {stride}.'
        )
    return [*range(0, length - tile, stride), length - tile]
