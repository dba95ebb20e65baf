"""Pixels that were read, and which of them are data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rsp.errors import UserError
from rsp.geo.nodata import blank_values, valid_pixels
from rsp.geo.windows.blocks import Window


@dataclass(frozen=True)
class Pixels:
    """What was read.

    Attributes:
        window: x, y, width and height in pixels of the file.
        values: Shape (height, width, bands), as stored.
        declared: Valid pixels by a mask band, shape (height, width); None without one.
    """

    window: Window
    values: np.ndarray
    declared: np.ndarray | None = None

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.values.nbytes + (0 if self.declared is None else self.declared.size)

    def cut(self, window: Window) -> Pixels:
        """A part of it, as a copy, so that the whole can go.

        Raises:
            ValueError: If the window is not within.
        """
        left, top = window[0] - self.window[0], window[1] - self.window[1]
        right, bottom = left + window[2], top + window[3]
        if left < 0 or top < 0 or right > self.window[2] or bottom > self.window[3]:
            raise UserError(f'expected a window within {self.window}, got {window}.')
        if window == self.window:
            return self
        part = (slice(top, bottom), slice(left, right))
        declared = None if self.declared is None else self.declared[part].copy()
        return Pixels(window, self.values[part].copy(), declared)

    def is_full(self, nodata: Sequence[float | None]) -> bool:
        """Whether it is certain that no value is a fill value.

        The usual case, told in microseconds.

        Args:
            nodata: Of the bands that were read.
        """
        if self.declared is not None or self.values.dtype.kind not in 'iu':
            return False
        fills = [0 if value is None else value for value in nodata]
        return self.values.min() > max(fills) or self.values.max() < min(fills)

    def valid(self, nodata: Sequence[float | None]) -> np.ndarray | None:
        """Valid pixels, shape (height, width), see `valid_pixels`; None if all are.

        Args:
            nodata: Of the bands that were read.
        """
        bands = self.values.transpose(2, 0, 1)
        valid = valid_pixels(bands, tuple(nodata), self.declared)
        return None if valid.all() else valid

    def blank(self, nodata: Sequence[float | None]) -> np.ndarray | None:
        """Values without data, shape of ``values``, see `blank_values`.

        Args:
            nodata: Of the bands that were read.
        """
        blank = blank_values(self.values.transpose(2, 0, 1), tuple(nodata))
        return None if blank is None else blank.transpose(1, 2, 0)
