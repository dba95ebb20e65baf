"""Operations on views by their formulas, in float64, as slowly as they read."""

import numpy as np

WEIGHTS = np.array([0.114, 0.587, 0.299])


def brightness(values, factor):
    """Multiply shares of the range."""
    return (factor * values).clip(0, 1)


def contrast(values, factor):
    """Spread around the mean of the gray; each of other than three bands of its own."""
    if values.shape[2] == 3:
        mean = (values @ WEIGHTS).mean()
    else:
        mean = values.mean((0, 1))
    return (mean + factor * (values - mean)).clip(0, 1)


def saturation(values, factor):
    """Move away from the gray of the pixel."""
    gray = (values @ WEIGHTS)[..., None]
    return (gray + factor * (values - gray)).clip(0, 1)


def hue(values, turn):
    """Turn the hue of HSV by a share of the circle."""
    blue, green, red = np.moveaxis(values, 2, 0)
    top, chroma = values.max(2), np.ptp(values, axis=2)
    safe = np.where(chroma > 0, chroma, 1)
    sectors = np.select(
        [top == red, top == green],
        [(green - blue) / safe % 6, (blue - red) / safe + 2],
        (red - green) / safe + 4,
    )
    sectors = (sectors + 6 * turn) % 6

    def channel(number):
        place = (number + sectors) % 6
        return top - chroma * np.minimum(place, 4 - place).clip(0, 1)

    return np.stack([channel(1), channel(3), channel(5)], axis=2)


def triangle_resize(image, size):
    """Average under a triangle, as wide as two steps of the smaller image."""
    for axis, count in enumerate(size):
        length = image.shape[axis]
        scale = length / count
        support = max(scale, 1)
        centers = (np.arange(count) + 0.5) * scale
        distances = np.abs(np.arange(length) + 0.5 - centers[:, None]) / support
        weights = (1 - distances).clip(0)
        weights /= weights.sum(1, keepdims=True)
        image = np.moveaxis(np.tensordot(weights, image, axes=(1, axis)), 0, axis)
    return image
