"""Separate valid pixels from no-data."""

import numpy as np


def valid_pixels(
    pixels: np.ndarray,
    nodata: tuple[float | None, ...],
    declared: np.ndarray | None = None,
) -> np.ndarray:
    """Return the mask of valid pixels.

    Invalid is what equals its no-data value in every band. Where a file declares none,
    0 takes its place: fill of undeclared zeros is what the published rule (pixels whose
    band mean is positive) is about. Infinite values and NaN are never valid.

    Args:
        pixels: Shape (bands, H, W).
        nodata: Value per band, None for none.
        declared: Valid pixels by a mask band or alpha, shape (H, W), which then count
            instead of values.

    Returns:
        Bool, shape (H, W).
    """
    if declared is not None:
        valid = declared
    else:
        valid = np.zeros(pixels.shape[1:], bool)
        any_declared = any(value is not None for value in nodata)
        for band, value in zip(pixels, nodata, strict=True):
            if value is None:
                # A band without one has data everywhere, if others declare theirs.
                valid |= True if any_declared else band != 0
            elif np.isnan(value):
                valid |= ~np.isnan(band)
            else:
                valid |= band != value
    if pixels.dtype.kind in 'fc':
        valid = valid & np.isfinite(pixels).all(axis=0)
    return valid


def nodata_mask(
    pixels: np.ndarray, nodata: tuple[float | None, ...]
) -> np.ndarray | None:
    """Return which values are no data of their own band, also where others have some.

    Bands of a scene rarely end at the same pixel, and a fill of -9999 or -3.4e38 is no
    measurement there. In 8 bits, 0 or 255 of one band is a color and is kept.

    Args:
        pixels: Shape (bands, H, W).
        nodata: Value per band, None for none.

    Returns:
        Bool, shape (bands, H, W); None if there are none.
    """
    if pixels.dtype.itemsize == 1 or all(value is None for value in nodata):
        return None
    mask = np.zeros(pixels.shape, bool)
    for out, band, value in zip(mask, pixels, nodata, strict=True):
        if value is not None:
            np.equal(band, value, out=out)
    return mask if mask.any() else None
