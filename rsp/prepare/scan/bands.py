"""Choose the bands that are red, green and blue, and tell maps of classes."""

from collections.abc import Sequence

import numpy as np

from rsp.geo.bands.sensors import Band

# Bands of all Sentinel-2 levels begin B1, B2, B3, B4.
SENTINEL2 = (12, 13)
COLORS = ('red', 'green', 'blue')
# A map of classes has fewer values, and more equal neighbors, than images have.
MOST_CLASSES, LEAST_EQUAL = 64, 0.6


def display_bands(bands: Sequence[Band]) -> tuple[list[int], bool]:
    """Choose the bands to show, and to train on where a method takes three.

    By what the file says of its bands. Without that, 12 or 13 bands are taken for
    Sentinel-2; of others the first three are taken, or the first.

    Args:
        bands: Of data, without alpha.

    Returns:
        Numbers, as GDAL counts, of red, green and blue; and True if the file declares
        them.
    """
    numbers = [band.number for band in bands]
    found = {band.color: band.number for band in reversed(bands)}
    if found.keys() >= set(COLORS):
        return [found[color] for color in COLORS], True
    if len(bands) in SENTINEL2:
        return [numbers[place] for place in (3, 2, 1)], False
    if len(bands) >= 3:
        return numbers[:3], False
    return [numbers[0]] * 3, len(bands) == 1


def is_class_map(pixels: np.ndarray, values: int) -> bool:
    """Return whether a band holds classes rather than measurements.

    Args:
        pixels: A part of it at full resolution, (H, W).
        values: Number of different values in all of it.
    """
    if pixels.dtype.kind not in 'iu' or not 2 <= values <= MOST_CLASSES:
        return False
    return bool(np.mean(pixels[:, 1:] == pixels[:, :-1]) >= LEAST_EQUAL)
