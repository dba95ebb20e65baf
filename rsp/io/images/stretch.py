"""Stretch values of any type to 8 bits."""

import numpy as np


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
