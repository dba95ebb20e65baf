"""Read raw GeoTIFFs, whose pixels need no decoding, from memory-mapped files.

GDAL looks up every block through several layers and copies its pixels band by band;
here it only tells where blocks lie in the file.
"""

from __future__ import annotations

import mmap
import sys
from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np
import rasterio

from rsp.geo.rasters import open_raster, stored_by_pixel
from rsp.geo.windows.blocks import iter_blocks
from rsp.geo.windows.window import Window

# What OpenCV reorders quickly.
CONVERTIBLE = (np.uint8, np.uint16, np.float32)
BYTE_ORDER = dict(little=b'II', big=b'MM')[sys.byteorder]


class NotMappable(Exception):
    """Signal that the pixels cannot be mapped as stored: GDAL has to read them."""


class MmapRaster:
    """Read the pixels of a local, uncompressed GeoTIFF.

    The file must not shrink while it is mapped: the system would end the process.

    Args:
        dataset: The file, opened; held, and used by one thread at a time.

    Raises:
        NotMappable: If the file is another one, or written in an unusual way.
    """

    def __init__(self, dataset: rasterio.DatasetReader) -> None:
        path = Path(dataset.name)
        if dataset.driver != 'GTiff' or dataset.compression or not path.is_file():
            raise NotMappable
        self._dataset = dataset
        self.count, self.dtype = dataset.count, np.dtype(dataset.dtypes[0])
        self._by_pixel = stored_by_pixel(dataset)
        depth = self.count if self._by_pixel else 1
        rows, columns = dataset.block_shapes[0]
        self._size = rows * columns * depth * self.dtype.itemsize
        self._offsets: dict[tuple[int, int, int], int] = {}
        self.tiled = columns != dataset.width
        if not self.tiled:
            # All strips of a band are one block, as far as they lie one after another.
            self._in_line = np.zeros((self.count, -(-dataset.height // rows)), bool)
            self._rows, rows = rows, dataset.height
        self.block = rows, columns
        self._shape = rows, columns, depth
        with path.open('rb') as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        size = dataset.get_tag_item('BLOCK_SIZE_0_0', 'TIFF', bidx=1)
        if self._map[:2] != BYTE_ORDER or size != str(self._size):
            raise NotMappable

    def read(self, window: Window, bands: tuple[int, ...]) -> np.ndarray:
        """Read the pixels of a window.

        Args:
            window: Within the raster.
            bands: Band numbers from 1.

        Returns:
            Shape (height, width, bands), a copy.

        Raises:
            NotMappable: If a block is nowhere in the file, or at no usual place; or if
                the window is not within, which GDAL's reader then tells.
        """
        if not window.is_inside(self._dataset.shape):
            raise NotMappable
        out = np.empty((window.height, window.width, len(bands)), self.dtype)
        for (row, column), within, place in iter_blocks(window, self.block):
            if not self.tiled:
                self._check_strips(bands, within[0])
            if self._by_pixel:
                _pick(self._block(1, row, column)[within], bands, out[place])
                continue
            for number, band in enumerate(bands):
                plane = self._block(band, row, column)[within]
                out[place][..., number] = plane[..., 0]
        return out

    def prefetch(self, window: Window, bands: tuple[int, ...]) -> None:
        """Let the system load the pages that `read` will need (madvise).

        Rows of a file in strips lie far from each other and are left to the system.

        Raises:
            NotMappable: See `read`.
        """
        if not self.tiled:
            return
        for (row, column), _, _ in iter_blocks(window, self.block):
            for plane in (1,) if self._by_pixel else bands:
                offset = self._offset(plane, row, column)
                start = offset - offset % mmap.PAGESIZE
                self._map.madvise(
                    mmap.MADV_WILLNEED, start, offset + self._size - start
                )

    def _block(self, plane: int, row: int, column: int) -> np.ndarray:
        offset = self._offset(plane, row, column)
        try:
            return np.ndarray(self._shape, self.dtype, self._map, offset)
        except TypeError as error:  # Strips are cut off.
            raise NotMappable from error

    def _offset(self, plane: int, row: int, column: int) -> int:
        """Return where in the file a block begins."""
        key = plane, row, column
        if key not in self._offsets:
            name = f'BLOCK_OFFSET_{column}_{row}'
            offset = self._dataset.get_tag_item(name, 'TIFF', bidx=plane)
            if offset is None:  # Of no-data only, so it was not written.
                raise NotMappable
            if self.tiled and int(offset) + self._size > len(self._map):  # Cut off.
                raise NotMappable
            self._offsets[key] = int(offset)
        return self._offsets[key]

    def _check_strips(self, bands: tuple[int, ...], rows: slice) -> None:
        strips = slice(rows.start // self._rows, -(-rows.stop // self._rows))
        for plane in (1,) if self._by_pixel else bands:
            seen = self._in_line[plane - 1, strips]
            if seen.all():
                continue
            first = self._offset(plane, 0, 0)
            for strip in range(strips.start, strips.stop):
                if self._offset(plane, strip, 0) != first + strip * self._size:
                    raise NotMappable
            seen[:] = True


class MmapRasters:
    """Hold rasters of one process mapped, by path.

    Args:
        limit: Files held; the least recently used is closed first.
    """

    def __init__(self, limit: int = 64) -> None:
        self.limit = limit
        self._maps: OrderedDict[str, MmapRaster | None] = OrderedDict()

    def __call__(self, path: str) -> MmapRaster | None:
        """Return the mapped raster of a file, None if only GDAL can read it.

        Raises:
            MissingData: If there is no such file.
            UserError: If it is no raster that GDAL can read.
        """
        if path not in self._maps:
            try:
                self._maps[path] = MmapRaster(open_raster(path))
            except NotMappable:
                self._maps[path] = None
            if len(self._maps) > self.limit:
                self._maps.popitem(last=False)
        self._maps.move_to_end(path)
        return self._maps[path]

    def read(
        self, path: str, window: Window, bands: tuple[int, ...]
    ) -> np.ndarray | None:
        """Read a window, see `MmapRaster.read`; None if only GDAL can read it."""
        mapped = self(path)
        try:
            return None if mapped is None else mapped.read(window, bands)
        except NotMappable:
            self._maps[path] = None
            return None

    def prefetch(self, path: str, window: Window, bands: tuple[int, ...]) -> None:
        """Prefetch a window; do nothing where only GDAL can read it."""
        mapped = self(path)
        try:
            if mapped is not None:
                mapped.prefetch(window, bands)
        except NotMappable:
            self._maps[path] = None

    def close(self) -> None:
        """Let go of all files."""
        self._maps.clear()


def _pick(pixels: np.ndarray, bands: tuple[int, ...], out: np.ndarray) -> None:
    """Copy bands of pixels (H, W, count) to (H, W, bands)."""
    count = pixels.shape[2]
    if bands == tuple(range(1, count + 1)):
        out[:] = pixels
    elif bands == (3, 2, 1) and count == 3 and pixels.dtype in CONVERTIBLE:
        cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR, dst=out)
    else:
        for number, band in enumerate(bands):
            out[..., number] = pixels[..., band - 1]
