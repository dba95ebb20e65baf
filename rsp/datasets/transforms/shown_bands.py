"""Choose the bands of an image that a picture shows as red, green and blue."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rsp.datasets.transforms.loader_arguments import whole_images
from rsp.errors import UserError
from rsp.io.images.colors import to_eight_bits

# What is cut at both ends of a band's values, per cent.
CUT = (2, 98)


def find_shown(loader: Any, path: str, bands: int) -> tuple[tuple[int, ...], str]:
    """Return the bands of an image to show, and a line that names them.

    Args:
        loader: A `rsp.LoadImageFromFile`.
        path: Of the file.
        bands: Number of bands that the loader gives of it.

    Returns:
        Positions from 1: ``shown`` of the loader; else red, green and blue where the
        file or its sensor tells them; else the first three. Of one and two bands the
        first, in gray.
    """
    if bands < 3:
        return (1, 1, 1), f'band 1 of {bands} in gray'
    found, names = _colors(loader, path)
    shown = loader.shown or found or (1, 2, 3)
    guess = '' if loader.shown or found else ' (the file names no colors)'
    return shown, _say(shown, names, bands) + guess


def find_named(names: Sequence[str], bands: int) -> tuple[tuple[int, ...], str]:
    """Return the bands to show of those with these names, as `find_shown` does.

    Args:
        names: In the order of the bands; none where they are unknown.
        bands: Their number.
    """
    if bands < 3:
        return (1, 1, 1), f'band {names[0] if names else 1} in gray'
    found = None
    if len(names) == bands:
        # Only images of other than 8-bit colors need rasterio.
        from rsp.geo.bands.true_colors import true_colors_of

        found = true_colors_of(names)
    return found or (1, 2, 3), _say(found or (1, 2, 3), tuple(names), bands)


def _say(shown: Sequence[int], names: tuple[str, ...], bands: int) -> str:
    if len(names) != bands or max(shown) > bands:
        names = tuple(map(str, range(1, max(bands, *shown) + 1)))
    said = ', '.join(names[position - 1] for position in shown)
    return f'bands {said} as red, green, blue'


def band_names(loader: Any, path: str) -> tuple[str, ...]:
    """Return the names or numbers of the bands of a raster; none of other files."""
    return _colors(loader, path)[1]


def _colors(loader: Any, path: str) -> tuple[Any, tuple[str, ...]]:
    try:
        images = loader.floats or loader.named or whole_images(loader.bands, None)
        return images.colors(path, loader.stored(path))
    except UserError:  # No raster, or without rasterio.
        return None, ()


def stretch(image: np.ndarray) -> np.ndarray:
    """Stretch each band from its 2nd to its 98th percentile to 8 bits.

    Args:
        image: Shape (H, W, C), floats; pixels that are 0 in all bands or not finite
            have no data and do not count.

    Returns:
        uint8, same shape.
    """
    there = image[np.isfinite(image).all(axis=2) & image.any(axis=2)]
    if not len(there):
        return np.zeros(image.shape, np.uint8)
    low, high = np.percentile(there, CUT, axis=0)
    return to_eight_bits(image, low, high)
