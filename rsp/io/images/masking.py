"""Tell alpha that is a mask from a band that only carries its name."""

import numpy as np

# Values between clear and opaque in a soft edge are few, or few pixels have them.
FEW_VALUES = 16
MOST_SOFT = 0.5
# Deviation of the colors below clear pixels that a lossy format leaves of one color.
UNIFORM = 8


def is_mask(alpha: np.ndarray, colors: np.ndarray | None = None) -> bool:
    """Return whether a band called alpha is one.

    Software that writes four bands calls the fourth alpha, also where it is near
    infrared. Infrared has many values nearly everywhere; and where it is 0, such as on
    water, the colors go on, while nothing is below the clear part of an orthophoto.

    Args:
        alpha: Shape (H, W), unsigned integers.
        colors: Shape (H, W, C), the bands beside it.
    """
    if alpha.dtype.kind != 'u':
        return False
    soft = (alpha > 0) & (alpha < np.iinfo(alpha.dtype).max)
    if not soft.any() or len(np.unique(alpha[soft])) < FEW_VALUES:
        return True
    if soft.mean() > MOST_SOFT:
        return False
    clear = alpha == 0
    if colors is None or not clear.any():
        return True
    return bool(colors[clear].std(axis=0).max() <= UNIFORM)


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
