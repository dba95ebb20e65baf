"""Define what the data set of scenes asks of a sampler of windows."""

from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple, Protocol

import numpy as np

from rsp.datasets.samplers.protocol import BatchShape
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


class WindowSampler(Protocol):
    """Draw windows of scenes by number, without reading a pixel.

    Attributes:
        index: Of the scenes that have windows.
        is_batched: Whether windows are drawn, batch by batch; else they are a list.
        is_labeled: Whether windows have ``counts``.
    """

    index: Any
    is_batched: bool
    is_labeled: bool

    def __len__(self) -> int:
        """Count the windows of an epoch, or of the list."""

    def sample_indices(
        self,
        rng: np.random.Generator,
        batch: BatchShape | None = None,
        num_items: int | None = None,
        per_item: int = 1,
    ) -> np.ndarray:
        """Draw the windows of an epoch, see `SampleSource.sample_indices`."""

    def plan(self, indices: Sequence[int]) -> list[WindowQuery]:
        """Return what will be read for windows that are drawn next."""

    def draw(self, index: int, rng: Random) -> WindowQuery:
        """Draw a window by its number."""

    def redraw(self, query: WindowQuery, rng: Random) -> WindowQuery:
        """Draw another window of the same scene in the place of a rejected one."""


def as_size(name: str, value: int | Sequence[int]) -> tuple[int, int]:
    """Return an edge, or height and width, as the latter.

    Raises:
        UserError: If it is neither.
    """
    both = (value, value) if isinstance(value, int) else tuple(value)
    if len(both) != 2 or min(both) < 1:
        raise UserError(
            f"expected '{name}' as an edge or (height, width) in pixels, got {value}."
        )
    return both
