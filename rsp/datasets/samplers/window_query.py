"""Say which window of which scene to read."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rsp.errors import UserError
from rsp.geo.windows.window import Window


class WindowQuery(NamedTuple):
    """Say which window of which scene to read.

    Attributes:
        scene: Number of the scene among those of the sampler.
        window: What becomes an image.
        region: What is read for it; larger where windows share a read.
        counts: Land-cover cells by class, shape (11,), of a label file; None without.
    """

    scene: int
    window: Window
    region: Window
    counts: np.ndarray | None = None


def as_size(name: str, value: int | Sequence[int]) -> tuple[int, int]:
    """Return (height, width) of a size that is an edge or a pair.

    Raises:
        UserError: If it is neither.
    """
    both = (value, value) if isinstance(value, int) else tuple(value)
    if len(both) != 2 or min(both) < 1:
        raise UserError(
            f"expected '{name}' as an edge or (height, width) in pixels, got {value}."
        )
    return both
