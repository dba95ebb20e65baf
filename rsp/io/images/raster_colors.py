"""Read an open raster as 8-bit colors, whole or in windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rsp.io.images.color_rule import ColorRule
from rsp.io.images.colors import BLACK, INFRARED, blacken, to_colors
from rsp.io.images.image_info import ImageInfo
from rsp.io.images.masking import declared_valid, differs_from, is_mask

if TYPE_CHECKING:
    from rasterio import DatasetReader
    from rasterio.windows import Window

# Edge to which a raster is reduced to see whether its alpha is a mask, pixels.
REDUCED = 1024


class RasterColors:
    """Read windows of one open raster.

    Args:
        dataset: Open for reading.
        info: Its header.
        rule: How it becomes colors.

    Attributes:
        notes: See `Picture.notes`; more may be added by each window.

    Raises:
        UserError: If the rule does not allow for such a file.
    """

    def __init__(
        self, dataset: DatasetReader, info: ImageInfo, rule: ColorRule
    ) -> None:
        rule.require(info)
        self.dataset, self.info, self.rule = dataset, info, rule
        self.bands = rule.bands_of(info)
        self.notes = {*rule.notes(info)}
        self.nodata = tuple(info.nodata[band - 1] for band in self.bands)
        self.masks = [n for n in info.alpha_bands if self._is_mask(n)]

    def read(self, window: Window | None = None) -> np.ndarray:
        """Read a window, or all; red, green, blue, see `Picture.pixels`."""
        stored = self._read(self.bands, window)
        pixels = to_colors(stored, self.info, self.rule)
        valid = self._valid(stored, window)
        if valid is not None and blacken(pixels, valid):
            self.notes.add(BLACK)
        return pixels

    def _read(
        self, bands: tuple[int, ...] | list[int], window: Window | None
    ) -> np.ndarray:
        values = self.dataset.read(list(bands), window=window)
        return np.ascontiguousarray(values.transpose(1, 2, 0))

    def _valid(self, stored: np.ndarray, window: Window | None) -> np.ndarray | None:
        """Return the pixels with data; by masks and alpha, else by value."""
        valid = declared_valid(self.dataset, self.masks, window)
        if valid is None and _known(self.nodata):
            valid = differs_from(stored, self.nodata)
        if self.info.palette is not None:
            clear = [n for n, color in enumerate(self.info.palette) if color[3] == 0]
            if clear:
                shown = ~np.isin(stored[..., 0], clear)
                valid = shown if valid is None else valid & shown
        return valid

    def _is_mask(self, band: int) -> bool:
        if band in self.bands:
            return False
        edge = max(self.dataset.shape)
        shape = [-(-n * min(edge, REDUCED) // edge) for n in self.dataset.shape]
        alpha = self.dataset.read(band, out_shape=tuple(shape))
        colors = self.dataset.read(
            list(self.bands), out_shape=(len(self.bands), *shape)
        )
        if is_mask(alpha, colors.transpose(1, 2, 0)):
            return True
        self.notes.add(INFRARED)
        return False


def _known(nodata: tuple[float | None, ...]) -> list[float]:
    return [value for value in nodata if value is not None]
