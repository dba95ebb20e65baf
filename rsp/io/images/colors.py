"""Make 8-bit colors of bands as they are stored."""

import numpy as np

from rsp.io.images.color_rule import ColorRule
from rsp.io.images.image_info import ImageInfo

# What a user is told of a file, see `Picture.notes`.
INFRARED = (
    'a band called alpha with many values, as of infrared: it is left out, and no mask'
)
BLACK = 'pixels without data, such as transparent ones, which become black'


def to_colors(stored: np.ndarray, info: ImageInfo, rule: ColorRule) -> np.ndarray:
    """Make colors of the bands that a rule chooses.

    Args:
        stored: Those bands, shape (H, W, C).
        info: Of their file.
        rule: How they become colors.

    Returns:
        uint8, shape (H, W, 3) for gray, a palette or three bands; else (H, W, C).
    """
    if info.palette is not None:
        table = np.zeros((max(256, len(info.palette)), 3), np.uint8)
        table[: len(info.palette)] = [color[:3] for color in info.palette]
        return table[stored[..., 0]]
    if stored.dtype != np.uint8:
        low, high = rule.limits(stored.shape[2]).T
        stored = to_eight_bits(stored, low, high)
    elif info.bits < 8:
        values = np.linspace(0, 255, 2**info.bits).round().astype(np.uint8)
        stored = values[stored]
    if stored.shape[2] == 1 and rule.bands is None:
        return stored.repeat(3, axis=2)
    return stored


def blacken(pixels: np.ndarray, valid: np.ndarray) -> bool:
    """Set pixels to 0 where there is no data; return whether that changed any.

    Args:
        pixels: Shape (H, W, C); changed in place.
        valid: Pixels with data, bool, shape (H, W).
    """
    if valid.all():
        return False
    changed = bool(pixels[~valid].any())
    pixels[~valid] = 0
    return changed


def to_eight_bits(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Stretch to 8 bits: ``(v - low) / (high - low) * 255``, clipped and cut.

    Args:
        values: Any shape, the last axis broadcasts with the limits.
        low: What becomes 0, in stored values.
        high: What becomes 255.

    Returns:
        uint8; 0 for NaN, and where low and high are equal.
    """
    # A band of one value has no range: it becomes 0, not 0 / 0.
    width = np.where(high > low, high - low, np.inf)
    scaled = np.nan_to_num((values - low) / width * 255)
    return scaled.clip(0, 255).astype(np.uint8)
