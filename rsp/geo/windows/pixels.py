"""Store pixels that were read, and compute which of them are valid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rsp.errors import UserError
from rsp.geo.nodata import nodata_mask, valid_pixels
from rsp.geo.windows.window import Window


@dataclass(frozen=True)
class Pixels:
    """Store the pixels of a window.

    Attributes:
        window: In pixels of the file.
        values: Shape (H, W, bands), as stored.
        declared: Valid pixels by a mask band, shape (H, W); None without one.
    """

    window: Window
    values: np.ndarray
    declared: np.ndarray | None = None

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return self.values.nbytes + (0 if self.declared is None else self.declared.size)

    def cut(self, window: Window) -> Pixels:
        """Copy a part, so that the whole can go.

        Args:
            window: In pixels of the file.

        Raises:
            UserError: If the window is not within.
        """
        inner = window._replace(
            top=window.top - self.window.top, left=window.left - self.window.left
        )
        if not inner.is_inside((self.window.height, self.window.width)):
            raise UserError(f'expected a window within {self.window}, got {window}.')
        if window == self.window:
            return self
        part = inner.slices
        declared = None if self.declared is None else self.declared[part].copy()
        return Pixels(window, self.values[part].copy(), declared)

    def has_nodata(self, nodata: Sequence[float | None]) -> bool:
        """Return False where it is certain that no value is a fill value.

        That is the usual case, told in microseconds.

        Args:
            nodata: Of the bands that were read.
        """
        if self.declared is not None or self.values.dtype.kind not in 'iu':
            return True
        fills = [0 if value is None else value for value in nodata]
        return self.values.min() <= max(fills) and self.values.max() >= min(fills)

    def valid_mask(self, nodata: Sequence[float | None]) -> np.ndarray | None:
        """Return the valid pixels (H, W), see `valid_pixels`; None if all are.

        Args:
            nodata: Of the bands that were read.
        """
        bands = self.values.transpose(2, 0, 1)
        valid = valid_pixels(bands, tuple(nodata), self.declared)
        return None if valid.all() else valid

    def nodata_mask(self, nodata: Sequence[float | None]) -> np.ndarray | None:
        """Return the values without data (H, W, bands), see `nodata_mask`, or None.

        Args:
            nodata: Of the bands that were read.
        """
        mask = nodata_mask(self.values.transpose(2, 0, 1), tuple(nodata))
        return None if mask is None else mask.transpose(1, 2, 0)
