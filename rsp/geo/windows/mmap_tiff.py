"""Read raw GeoTIFFs, whose pixels need no decoding, from memory-mapped files.

GDAL looks up every block through several layers and copies its pixels band by band;
here it only tells where blocks lie in the file.
"""

from __future__ import annotations

import mmap
from collections import OrderedDict

import numpy as np
import rasterio

from rsp.geo.rasters import open_raster
from rsp.geo.windows.blocks import iter_blocks
from rsp.geo.windows.stored_blocks import (
    NotReadable,
    StoredBlocks,
    merge_bands,
    pick_bands,
)
from rsp.geo.windows.window import Window


class MmapRaster:
    """Read the pixels of a local, uncompressed GeoTIFF.

    The file must not shrink while it is mapped: the system would end the process.

    Args:
        dataset: The file, opened; held, and used by one thread at a time.

    Raises:
        NotReadable: If the file is another one, or written in an unusual way.
    """

    def __init__(self, dataset: rasterio.DatasetReader) -> None:
        if dataset.compression:
            raise NotReadable
        self._stored = stored = StoredBlocks(dataset)
        self.dtype = stored.dtype
        self._map = mmap.mmap(stored.file, 0, access=mmap.ACCESS_READ)
        depth = stored.count if stored.by_pixel else 1
        rows, columns = stored.block
        self._size = rows * columns * depth * self.dtype.itemsize
        self.tiled = columns != dataset.width
        if not self.tiled:
            # All strips of a band are one block, as far as they lie one after another.
            self._in_line = np.zeros((stored.count, -(-dataset.height // rows)), bool)
            self._rows, rows = rows, dataset.height
        self.block = rows, columns
        self._shape = rows, columns, depth
        size = dataset.get_tag_item('BLOCK_SIZE_0_0', 'TIFF', bidx=1)
        if size != str(self._size):
            raise NotReadable

    def read(self, window: Window, bands: tuple[int, ...]) -> np.ndarray:
        """Read the pixels of a window.

        Args:
            window: Within the raster.
            bands: Band numbers from 1.

        Returns:
            Shape (height, width, bands), a copy.

        Raises:
            NotReadable: If a block is nowhere in the file, or at no usual place; or if
                the window is not within, which GDAL's reader then tells.
        """
        if not window.is_inside(self._stored.shape):
            raise NotReadable
        out = np.empty((window.height, window.width, len(bands)), self.dtype)
        for (row, column), within, place in iter_blocks(window, self.block):
            if not self.tiled:
                self._check_strips(bands, within[0])
            if self._stored.by_pixel:
                pick_bands(self._block(1, row, column)[within], bands, out[place])
                continue
            planes = [self._block(band, row, column)[within][..., 0] for band in bands]
            merge_bands(planes, out[place])
        return out

    def prefetch(self, window: Window, bands: tuple[int, ...]) -> None:
        """Let the system load the pages that `read` will need (madvise).

        Rows of a file in strips lie far from each other and are left to the system.

        Raises:
            NotReadable: See `read`.
        """
        if not self.tiled:
            return
        for (row, column), _, _ in iter_blocks(window, self.block):
            for plane in (1,) if self._stored.by_pixel else bands:
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
            raise NotReadable from error

    def _offset(self, plane: int, row: int, column: int) -> int:
        """Return where in the file a block begins."""
        offset, _ = self._stored.place(plane, row, column)
        if self.tiled and offset + self._size > len(self._map):  # Cut off.
            raise NotReadable
        return offset

    def _check_strips(self, bands: tuple[int, ...], rows: slice) -> None:
        strips = slice(rows.start // self._rows, -(-rows.stop // self._rows))
        for plane in (1,) if self._stored.by_pixel else bands:
            seen = self._in_line[plane - 1, strips]
            if seen.all():
                continue
            first = self._offset(plane, 0, 0)
            for strip in range(strips.start, strips.stop):
                if self._offset(plane, strip, 0) != first + strip * self._size:
                    raise NotReadable
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
            except NotReadable:
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
        except NotReadable:
            self._maps[path] = None
            return None

    def prefetch(self, path: str, window: Window, bands: tuple[int, ...]) -> None:
        """Prefetch a window; do nothing where only GDAL can read it."""
        mapped = self(path)
        try:
            if mapped is not None:
                mapped.prefetch(window, bands)
        except NotReadable:
            self._maps[path] = None

    def close(self) -> None:
        """Let go of all files."""
        self._maps.clear()
