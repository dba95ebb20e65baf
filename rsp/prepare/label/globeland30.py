"""Name the tile of GlobeLand30 at a place, to tell which file to download.

Tiles are 5 degrees high and 6 degrees wide up to 60 degrees north and south, 12 degrees
beyond (https://www.globallandcover.com). GeoKR's official code labels a scene by the
one tile at its top-left corner; here `rsp.geo.land_cover.zonal` finds all tiles by
their extents.
"""

import math

from rsp.ops import check

EQUATOR_BAND = 60
POLAR_BAND = 85


def utm_zone(lon: float, lat: float) -> int:
    """Return the UTM zone of the tile at a place.

    Longitude 180 lies in zone 1, as -180 does; in the official code it lies in a zone
    61 that has no tile.

    Args:
        lon: Degrees east, -180 to 180.
        lat: Degrees north.

    Returns:
        1 to 60, odd beyond 60 degrees north or south; 0 for the polar tiles from 85
        degrees.
    """
    if abs(lat) >= POLAR_BAND:
        return 0
    zone = math.floor((lon + 180) / 6) % 60 + 1
    return zone - 1 if abs(lat) > EQUATOR_BAND and zone % 2 == 0 else zone


def tile_name(lon: float, lat: float) -> str:
    """Return the beginning of the name of the tile at a place, e.g. ``n50_35``.

    Args:
        lon: Degrees east, -180 to 180.
        lat: Degrees north; the equator belongs to the north (in the official code to
            the south, where it finds the same land from the other side).

    Raises:
        UserError: If there is no such place.
    """
    check.between('longitude', lon, -180, 180)
    check.between('latitude', lat, -90, 90)
    band = min(int(abs(lat) // 5) * 5, POLAR_BAND)
    return f'{"n" if lat >= 0 else "s"}{utm_zone(lon, lat):02d}_{band:02d}'
