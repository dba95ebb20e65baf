"""Tell which pixels a mask or alpha leaves out, and whether alpha is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from rasterio import DatasetReader
    from rasterio.windows import Window

# Flags of masks that GDAL makes up from values or from alpha bands.
DERIVED = {'all_valid', 'nodata', 'alpha'}
# Values between clear and opaque in a soft edge are few, or few pixels have them.
FEW_VALUES = 16
MOST_SOFT = 0.5
# Deviation of the colors below clear pixels that a lossy format leaves of one color, as
# a share of the range of colors.
UNIFORM = 8 / 255


def is_mask(alpha: np.ndarray, colors: np.ndarray | None = None) -> bool:
    """Return whether a band called alpha is one.

    Software that writes four bands calls the fourth alpha, also where it is near
    infrared; so does GDAL with the fourth of four 8-bit bands. Infrared has many values
    nearly everywhere; and where it is 0, such as on water, the colors go on, while
    nothing is below the clear part of an orthophoto.

    Args:
        alpha: Shape (H, W).
        colors: Shape (H, W, C), the bands beside it.
    """
    opaque = np.iinfo(alpha.dtype).max if alpha.dtype.kind in 'iu' else 1
    # Written by hand, masks are 0 and 1 or 0 and 255 in any type.
    soft = ~np.isin(alpha, (0, 1, 255, opaque))
    if soft.mean() > MOST_SOFT:
        return False
    if not soft.any() or len(np.unique(alpha[soft])) < FEW_VALUES:
        return True
    clear = alpha == 0
    if colors is None or not clear.any():
        return True
    values = np.where(np.isfinite(colors), colors, 0)
    span = 255.0 if colors.dtype == np.uint8 else float(values.max()) - values.min()
    return bool(values[clear].std(axis=0).max() <= UNIFORM * span)


def has_mask(dataset: DatasetReader) -> bool:
    """Return whether there is a mask inside a raster or beside it (.msk)."""
    flags = ({flag.name for flag in band} for band in dataset.mask_flag_enums)
    return any(DERIVED.isdisjoint(names) for names in flags)


def declared_valid(
    dataset: DatasetReader,
    alphas: Sequence[int] = (),
    window: Window | None = None,
    out_shape: tuple[int, int] | None = None,
) -> np.ndarray | None:
    """Read which pixels of a raster are valid by masks and alpha.

    Args:
        dataset: Open file.
        alphas: Numbers of the alpha bands, wherever they stand; GDAL masks by alpha
            only in files of two or four bands. A pixel that one of several makes
            transparent has no data.
        window: Part to read; None reads all.
        out_shape: Height and width to reduce to, by the nearest pixel.

    Returns:
        Bool, shape (H, W); None if the file has neither.
    """
    where = dict(window=window, out_shape=out_shape)
    valid = []
    if has_mask(dataset):
        flags = [{flag.name for flag in band} for band in dataset.mask_flag_enums]
        shared = 'per_dataset' in flags[0]
        bands = [1] if shared else [b for b in dataset.indexes if not flags[b - 1]]
        masks = [dataset.read_masks(band, **where) > 0 for band in bands]
        valid.append(np.logical_or.reduce(masks))
    for band in alphas:
        valid.append(dataset.read(band, **where) > 0)
    return np.logical_and.reduce(valid) if valid else None


def differs_from(pixels: np.ndarray, nodata: tuple[float | None, ...]) -> np.ndarray:
    """Return the pixels that are not no-data in every band.

    Args:
        pixels: Shape (H, W, C).
        nodata: Value of each band; None where there is none.

    Returns:
        Bool, shape (H, W).
    """
    valid = np.zeros(pixels.shape[:2], bool)
    for band, value in zip(np.moveaxis(pixels, 2, 0), nodata, strict=True):
        if value is None:
            valid |= True
        else:
            valid |= ~np.isnan(band) if np.isnan(value) else band != value
    return valid
