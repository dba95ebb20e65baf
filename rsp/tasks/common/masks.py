"""Read masks as they are stored, and give their values or colors a meaning."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from rsp.errors import BrokenFile, UserError, shorten
from rsp.io.images import read_info, read_stored
from rsp.io.images.content import HEAD, content_of

Color = tuple[int, int, int]
UNKNOWN = 254
# Colors that losses have changed lie near those that were drawn, per channel.
BLURRED = 60
# What JPEG's losses add to a gray value or take of it, near edges.
LOSS = 16
JPEG = 'its losses turn classes near each other into one another'


def read_mask_values(
    file: str | Path,
    colors: bool = False,
    remedy: str = "name them by 'colors' of rsp.MaskFolder",
) -> np.ndarray:
    """Read a mask as it is stored.

    Args:
        file: PNG, JPEG, BMP, GIF, or TIFF, for which rasterio is needed.
        colors: Read red, green and blue, those of a palette too. Otherwise one value
            per pixel, of a palette the number of the color; channels that are equal are
            one value, and alpha is left out.
        remedy: For colors where values are wanted, for the message.

    Returns:
        Shape (H, W), or (H, W, 3) for colors.

    Raises:
        MissingData: If there is no such file.
        UserError: If it cannot be read, or has colors where values are wanted.
    """
    try:
        pixels = read_stored(file)
    except BrokenFile as error:
        raise UserError(
            f"cannot read the mask '{file}' as an image ({error.reason}); repair it, "
            'or remove it with its image.'
        ) from error
    if pixels.ndim == 3 and pixels.shape[2] in (2, 4):
        pixels = pixels[..., :-1]
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    if colors:
        palette = read_info(file).palette
        if palette is not None:
            return np.array(palette, np.uint8)[pixels, :3]
        return pixels if pixels.ndim == 3 else np.stack([pixels] * 3, axis=2)
    if pixels.ndim == 3:
        if pixels.shape[2] != 3 or (pixels != pixels[..., :1]).any():
            raise UserError(
                f"expected one gray value per pixel in the mask '{file}', got colors; "
                f'{remedy}.'
            )
        pixels = pixels[..., 0]
    return pixels


def is_jpeg(file: str | Path) -> bool:
    """Return whether a file is a JPEG, by its content."""
    return content_of(str(file), ('JPEG',), HEAD) is not None


def refuse_blurred(mask: np.ndarray, file: str | Path, values: Iterable[int]) -> None:
    """Refuse a JPEG that stores values which its losses turn into each other.

    Args:
        mask: Gray values, shape (H, W).
        file: The mask.
        values: All that have a meaning.

    Raises:
        UserError: If it has several values, and two known ones are near.
    """
    known = sorted(values)
    gap = min((b - a for a, b in pairwise(known)), default=LOSS)
    if gap < LOSS and is_jpeg(file) and np.ptp(mask):
        raise UserError(
            f"expected the mask '{file}' without losses, got a JPEG: {JPEG}; save it "
            'anew from its source as PNG.'
        )


def gray_to_labels(mask: np.ndarray, labels: Mapping[int, int]) -> np.ndarray:
    """Replace gray values by labels.

    Args:
        mask: Gray values, shape (H, W), of any type.
        labels: Label in 0 to 253, or 255 for ignored pixels, of every known value.

    Returns:
        Shape (H, W), uint8.

    Raises:
        UserError: With the unknown values and how often they occur.
    """
    known = np.full(max(255, *labels) + 1, UNKNOWN, dtype=np.uint8)
    known[list(labels)] = list(labels.values())
    codes = mask
    if mask.dtype != np.uint8:
        inside = (mask >= 0) & (mask < len(known))
        codes = np.where(inside, mask, 0).astype(np.intp)
    out = known[codes]
    strange = (out == UNKNOWN) | (codes != mask)
    if strange.any():
        values, counts = np.unique(mask[strange], return_counts=True)
        shown = [f'{v} ({n} pixels)' for v, n in zip(values, counts, strict=True)]
        raise UserError(
            f'expected the gray values {sorted(labels)}, got also '
            f'{shorten(shown, 8, f"and {len(shown) - 8} more")}'
        )
    return out


def colors_to_labels(
    pixels: np.ndarray, labels: Mapping[Color, int]
) -> tuple[np.ndarray, dict[Color, int]]:
    """Replace colors by labels.

    Args:
        pixels: Red, green, blue, shape (H, W, 3), 0 to 255.
        labels: Label in 0 to 255 of every known color.

    Returns:
        Labels of shape (H, W), uint8, 0 where the color is unknown; and how often each
        unknown color occurs, the most frequent one first.
    """
    codes = pixels.astype(np.int32) @ np.array([65536, 256, 1], np.int32)
    out = np.zeros(codes.shape, np.uint8)
    known = np.zeros(codes.shape, bool)
    for (red, green, blue), label in labels.items():
        hit = codes == red * 65536 + green * 256 + blue
        out[hit] = label
        known |= hit
    if known.all():
        return out, {}
    values, counts = np.unique(codes[~known], return_counts=True)
    order = np.argsort(-counts, kind='stable')
    return out, {
        (int(v) >> 16, int(v) >> 8 & 255, int(v) & 255): int(n)
        for v, n in zip(values[order], counts[order], strict=True)
    }


def require_known_colors(
    unknown: Mapping[Color, int], labels: Mapping[Color, int], file: str | Path
) -> None:
    """Refuse colors that mean nothing.

    Args:
        unknown: Pixels by color, see `colors_to_labels`.
        labels: Known colors.
        file: The mask, for the message.

    Raises:
        UserError: If there are any; with their number, and the cause where all lie near
            known ones, as a lossy format leaves them.
    """
    if not unknown:
        return
    table = np.array([*labels])
    near = np.abs(np.array([*unknown])[:, None] - table).max(axis=2).min(axis=1)
    remedy = "name them in 'colors' or 'ignored_colors' of the data set"
    if len(unknown) > 2 and np.mean(near <= BLURRED) > 0.5:
        remedy = (
            'they lie near the known ones, as JPEG and resizing leave colors: save the '
            'masks anew from their source, without losses (PNG) or interpolation'
        )
    shown = [f'{color} ({n} pixels)' for color, n in unknown.items()]
    raise UserError(
        f"'{file}': expected the colors {shorten([*map(str, labels)], 8)}, got also "
        f'{shorten(shown, 5, f"and {len(shown) - 5} more")}; {remedy}.'
    )


def require_size(
    mask: np.ndarray, size: Sequence[int], mask_file: str, image_file: str
) -> None:
    """Refuse a mask of another size than its image.

    Args:
        mask: Shape (H, W).
        size: (H, W) of the image.
        mask_file: Path, for the message.
        image_file: Path, for the message.

    Raises:
        UserError: If the sizes differ.
    """
    if mask.shape != tuple(size[:2]):
        raise UserError(
            f"expected {show_size(size)} as in '{image_file}', got "
            f"{show_size(mask.shape)} in the mask '{mask_file}'; repair or remove both."
        )


def show_size(size: Sequence[int]) -> str:
    """Return ``'H x W pixels'``."""
    return f'{size[0]} x {size[1]} pixels'
