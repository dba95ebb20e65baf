"""Read masks of change, which data sets store in several ways."""

from pathlib import Path

import numpy as np

from rsp.errors import UserError, shorten
from rsp.io.images import read_info
from rsp.tasks.common.masks import JPEG, is_jpeg, read_mask_values

# Gray values that neither black nor white becomes by JPEG's losses, edges excepted.
GRAY = (64, 191)
MAX_GRAY_SHARE = 0.1


def read_mask(file: str | Path, lossy: bool = False) -> np.ndarray:
    """Read a mask of change.

    Args:
        file: An image of one channel, or of several equal ones, or of a palette.
        lossy: False if the file holds 0 (no change) and 255 only, or 0 and 1 (or, of 16
            bits, 65535). True also takes black-and-white masks that a lossy format has
            blurred, such as CDD's JPEGs: 128 and more is change. (The official code of
            CMID divides by 255 and cuts off, so that 254 counts as no change.)

    Returns:
        Shape (H, W), uint8, 1 where it changed.

    Raises:
        MissingData: If there is no such file.
        UserError: If it is no image, or holds values that no such mask has.
    """
    gray = _read_gray(file)
    values = np.unique(gray)
    found = {*values.tolist()}
    # JPEG leaves 1 beside 0 of black, and of 0 and 1 other places than those drawn.
    if found <= {0, 255} or (found <= {0, 1} and not is_jpeg(file)):
        return (gray > 0).astype(np.uint8)
    if gray.dtype == np.uint16 and found <= {0, 65535}:
        return (gray > 0).astype(np.uint8)
    share = ((gray >= GRAY[0]) & (gray <= GRAY[1])).mean()
    shown = shorten([*map(str, values)], 8)
    if lossy and share > MAX_GRAY_SHARE:
        raise UserError(
            f"expected black and white in the mask '{file}', got {share:.0%} of gray "
            'pixels; it seems to be another kind of image.'
        )
    black_and_white = gray.dtype == np.uint8 and values[-1] >= GRAY[0]
    if lossy and black_and_white:
        return (gray > 127).astype(np.uint8)
    blurred = black_and_white and values[-1] > GRAY[1] and share <= MAX_GRAY_SHARE
    remedy = 'convert its values to 0 (no change) and 255'
    if found <= {0, 1}:
        remedy = f'save it anew from its source as 0 and 255, in a PNG: {JPEG}'
    if blurred:
        remedy = (
            'for masks in a lossy format set lossy=True in rsp.LoadChangeAnnotations'
        )
    raise UserError(
        f"expected the values 0 and 255 (or 0 and 1) in the mask '{file}', got "
        f'{shown}; {remedy}.'
    )


def _read_gray(file: str | Path) -> np.ndarray:
    values = read_mask_values(file, remedy='convert it to 0/255')
    palette = read_info(file).palette
    # A gray palette stands for what it shows, any other one for its numbers.
    if palette is not None and all(len({*color[:3]}) == 1 for color in palette):
        return np.array([color[0] for color in palette], np.uint8)[values]
    return values.astype(np.uint8) if values.dtype == bool else values
