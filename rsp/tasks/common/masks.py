"""Compare the size of a mask with that of its image."""

from collections.abc import Sequence

import numpy as np

from rsp.errors import UserError


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
