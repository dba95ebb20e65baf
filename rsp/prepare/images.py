"""Write 8-bit images by OpenCV, which reports failures by False."""

from pathlib import Path

import cv2
import numpy as np

from rsp.errors import UserError
from rsp.io.files import write_atomically


def write_image(file: Path, pixels: np.ndarray) -> None:
    """Write an image atomically.

    Args:
        file: Final path; the ending chooses the format.
        pixels: Gray, (H, W), or red, green, blue, (H, W, 3).

    Raises:
        UserError: If it cannot be written.
    """
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    with write_atomically(file) as unfinished:
        if not cv2.imwrite(str(unfinished), pixels):
            raise UserError(f"cannot write '{file}'; is the disk full?")
