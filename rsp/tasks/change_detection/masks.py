"""Read masks of change, which data sets store in several ways."""

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from rsp.errors import MissingData, UserError, shorten

# Gray values that neither black nor white becomes by JPEG's losses, edges excepted.
GRAY = (64, 191)
MAX_GRAY_SHARE = 0.1


def read_mask(file: str | Path, lossy: bool = False) -> np.ndarray:
    """Read a mask of change.

    Args:
        file: An image of one channel, or of several equal ones.
        lossy: False if the file holds 0 (no change) and 255 only, or 0 and 1. True for
            black-and-white masks that a lossy format has blurred, such as CDD's JPEGs:
            128 and more is change. (The official code of CMID divides by 255 and cuts
            off, so that 254 counts as no change.)

    Returns:
        Shape (H, W), uint8, 1 where it changed.

    Raises:
        MissingData: If there is no such file.
        UserError: If it is no image, or holds values that no such mask has.
    """
    gray = _read_gray(Path(file))
    if lossy:
        share = ((gray >= GRAY[0]) & (gray <= GRAY[1])).mean()
        if share > MAX_GRAY_SHARE:
            raise UserError(
                f"expected black and white in the mask '{file}', got {share:.0%} of "
                'gray pixels; it seems to be another kind of image.'
            )
        return (gray > 127).astype(np.uint8)
    values = np.unique(gray)
    if not (set(values) <= {0, 255} or set(values) <= {0, 1}):
        shown = shorten([*map(str, values)], 8)
        raise UserError(
            f"expected the values 0 and 255 (or 0 and 1) in the mask '{file}', got "
            f'{shown}; for masks in a lossy format set lossy=True in '
            'rsp.LoadChangeAnnotations.'
        )
    return (gray > 0).astype(np.uint8)


def _read_gray(file: Path) -> np.ndarray:
    try:
        with Image.open(file) as image:
            # A palette or a single bit becomes the gray that it shows.
            pixels = np.asarray(
                image.convert('L') if image.mode in ('P', '1') else image
            )
    except UnidentifiedImageError as error:
        raise UserError(f"cannot read the mask '{file}' as an image.") from error
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise MissingData(f"no mask at '{file}'.") from error
        raise UserError(f"the mask '{file}' is cut off: {error}.") from error
    if pixels.ndim == 3:
        colors = pixels[..., :3]
        if (colors != colors[..., :1]).any():
            raise UserError(
                f"expected a gray mask in '{file}', got colors; convert it to 0/255."
            )
        pixels = colors[..., 0]
    return pixels
