"""Separate valid pixels from no-data.

All that asks which pixels have data asks here: windows, statistics, labels, tiles and
land-cover maps. A mask (in the file or beside it) and alpha bands count instead of
values; without them a pixel is no-data where every band is. A band's value is no-data
if it is the declared one, NaN or infinite.
"""

from collections.abc import Sequence

import numpy as np


def valid_pixels(
    pixels: np.ndarray,
    nodata: Sequence[float | None],
    declared: np.ndarray | None = None,
) -> np.ndarray:
    """Return the mask of valid pixels.

    Invalid is what has no data in any band: the declared value, NaN, an infinite one.
    Where a file declares no value for any band, 0 takes its place: fill of undeclared
    zeros is what the published rule (pixels whose band mean is positive) is about.

    Args:
        pixels: Shape (bands, H, W), without alpha.
        nodata: Value per band, None for none.
        declared: Valid pixels by a mask or alpha, shape (H, W), which then count
            instead of values; see `rsp.io.images.masking.declared_valid`.

    Returns:
        Bool, shape (H, W).
    """
    if declared is None:
        any_declared = any(value is not None for value in nodata)
        fills = [0 if value is None and not any_declared else value for value in nodata]
    else:
        fills = [None] * len(pixels)
    if all(fill is None for fill in fills) and pixels.dtype.kind not in 'fc':
        return np.ones(pixels.shape[1:], bool) if declared is None else declared
    valid = np.zeros(pixels.shape[1:], bool)
    for band, fill in zip(pixels, fills, strict=True):
        valid |= _has_data(band, fill)
    return valid if declared is None else valid & declared


def nodata_mask(
    pixels: np.ndarray, nodata: Sequence[float | None]
) -> np.ndarray | None:
    """Return which values are no data of their own band, also where others have some.

    Bands of a scene rarely end at the same pixel, and a fill of -9999, of -3.4e38 or
    NaN is no measurement there. In 8 bits, 0 or 255 of one band is a color and is kept.

    Args:
        pixels: Shape (bands, H, W).
        nodata: Value per band, None for none.

    Returns:
        Bool, shape (bands, H, W); None if there are none.
    """
    floating = pixels.dtype.kind in 'fc'
    undeclared = all(value is None for value in nodata)
    if pixels.dtype.itemsize == 1 or (undeclared and not floating):
        return None
    mask = np.zeros(pixels.shape, bool)
    for out, band, value in zip(mask, pixels, nodata, strict=True):
        if floating or value is not None:
            np.logical_not(_has_data(band, value), out=out)
    return mask if mask.any() else None


def _has_data(band: np.ndarray, fill: float | None) -> np.ndarray:
    """Return where a band (H, W) has data."""
    if fill is not None and not np.isfinite(fill):
        fill = None
    if band.dtype.kind not in 'fc':
        # A value that the type cannot hold, as -9999 in 8 bits, equals none.
        return np.ones(band.shape, bool) if fill is None else band != fill
    finite = np.isfinite(band)
    if fill is None:
        return finite
    with np.errstate(over='ignore'):
        return finite & (band != fill)
