"""Generate photos: smooth shapes with noise, which JPEG compresses like real ones."""

from pathlib import Path

import cv2
import numpy as np


def write_pictures(folder: Path, count: int, size: int, distinct: int = 16) -> None:
    """Write JPEG files of quality 90, 0.jpg, 1.jpg, ...

    Args:
        folder: Made if there is none.
        count: Number of files.
        size: Height and width, pixels.
        distinct: Number of different pictures; further files are their copies.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(size)
    encoded = []
    for _ in range(min(distinct, count)):
        pixels = make_picture(rng, size)
        encoded.append(cv2.imencode('.jpg', pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])[1])
    for number in range(count):
        (folder / f'{number}.jpg').write_bytes(encoded[number % len(encoded)].tobytes())


def make_picture(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return an image, (size, size, 3), uint8."""
    coarse = rng.integers(256, size=(12, 12, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    return (smooth + rng.normal(0, 6, smooth.shape)).clip(0, 255).astype(np.uint8)
