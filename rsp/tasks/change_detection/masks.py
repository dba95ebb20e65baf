"""Reading masks of change, which data sets store in several ways."""

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from rsp.errors import MissingData, UserError

# Grey values that neither black nor white becomes by JPEG's losses, edges excepted.
GREY = (64, 191)
MAX_GREY_SHARE = 0.1


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
        FileNotFoundError: If there is no such file.
        ValueError: If it is no image, or holds values that no such mask has.
    """
    grey = _read_grey(Path(file))
    if lossy:
        share = ((grey >= GREY[0]) & (grey <= GREY[1])).mean()
        if share > MAX_GREY_SHARE:
            raise UserError(
                f"expected black and white in the mask '{file}', got {share:.0%} of "
                'grey pixels; it seems to be another kind of image.'
            )
        return (grey > 127).astype(np.uint8)
    values = np.unique(grey)
    if not (set(values) <= {0, 255} or set(values) <= {0, 1}):
        shown = ', '.join(map(str, values[:8])) + (', ...' if len(values) > 8 else '')
        raise UserError(
            f"expected the values 0 and 255 (or 0 and 1) in the mask '{file}', got "
            f'{shown}; for masks in a lossy format set lossy=True in '
            'rsp.LoadChangeAnnotations.'
        )
    return (grey > 0).astype(np.uint8)


def _read_grey(file: Path) -> np.ndarray:
    try:
        with Image.open(file) as image:
            # A palette or a single bit becomes the grey that it shows.
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
        colours = pixels[..., :3]
        if (colours != colours[..., :1]).any():
            raise UserError(
                f"expected a grey mask in '{file}', got colours; convert it to 0/255."
            )
        pixels = colours[..., 0]
    return pixels
