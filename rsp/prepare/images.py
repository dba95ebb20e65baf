"""Read and write 8-bit images by OpenCV, which reports failures by None and False."""

from pathlib import Path

import cv2
import numpy as np

from rsp.errors import UserError
from rsp.io.files import write_atomically


def read_image(file: Path, flags: int = cv2.IMREAD_COLOR) -> np.ndarray:
    """Read an image; blue, green, red.

    Args:
        file: Image file.
        flags: ``cv2.IMREAD_...``.

    Raises:
        UserError: If it cannot be read.
    """
    pixels = cv2.imread(str(file), flags)
    if pixels is None:
        raise UserError(f"cannot read '{file}' as an image; repair or remove it.")
    return pixels


def write_image(file: Path, pixels: np.ndarray) -> None:
    """Write an image atomically.

    Args:
        file: Final path; the ending chooses the format.
        pixels: Gray, or blue, green, red.

    Raises:
        UserError: If it cannot be written.
    """
    with write_atomically(file) as unfinished:
        if not cv2.imwrite(str(unfinished), pixels):
            raise UserError(f"cannot write '{file}'; is the disk full?")
