"""Find red, green and blue among bands."""

from collections.abc import Sequence

from rsp.geo.bands.names import name_bands
from rsp.geo.bands.sensors import Band

COLORS = ('red', 'green', 'blue')
# The first four of every product of Sentinel-2's sensor are B01 to B04, in this order.
_OF_SENTINEL_2 = (4, 3, 2)


def true_colors(
    bands: Sequence[Band], sensor: str | None = None
) -> tuple[int, int, int] | None:
    """Return where red, green and blue are, positions from 1.

    Args:
        bands: In the order of the channels.
        sensor: Key of `rsp.geo.bands.sensors.SENSORS`, for bands that nothing names.

    Returns:
        None unless each color is told of one band.
    """
    told = [band.color for band in bands]
    if all(told.count(color) == 1 for color in COLORS):
        red, green, blue = (told.index(color) + 1 for color in COLORS)
        return red, green, blue
    is_whole = sensor == 'sentinel-2' and len(bands) in (12, 13)
    return _OF_SENTINEL_2 if is_whole and not any(b.name for b in bands) else None


def true_colors_of(
    names: Sequence[str], sensor: str | None = None
) -> tuple[int, int, int] | None:
    """Return where red, green and blue are among bands of these names."""
    return true_colors(name_bands(names, ['undefined'] * len(names), sensor), sensor)
