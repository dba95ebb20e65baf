"""Read deflated GeoTIFFs, whose blocks ISA-L inflates faster than GDAL's libdeflate.

GDAL decodes one block after the other, band by band, through a cache of its own; here
it only tells where blocks lie in the file. Same pixels, bit for bit.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from typing import Any

import numpy as np
import rasterio
from rasterio.enums import Compression, PhotometricInterp

from rsp.geo.rasters import open_raster
from rsp.geo.windows.blocks import iter_blocks
from rsp.geo.windows.stored_blocks import (
    NotReadable,
    StoredBlocks,
    merge_bands,
    pick_bands,
)
from rsp.geo.windows.window import Window

isal_zlib: Any
try:
    from isal import isal_zlib
except ImportError:  # No wheel for this machine: GDAL reads.
    isal_zlib = None

PLAIN = (
    None,
    *(getattr(PhotometricInterp, name) for name in ('black', 'white', 'rgb')),
)
HEADER = 15  # Of zlib, with the largest window; the checksum is verified.
AHEAD = 2**16  # Bytes that ISA-L inflates beyond those asked for, about.


class InflatedRaster:
    """Read the pixels of a local GeoTIFF that is compressed by deflate.

    A block is inflated whole and its checksum verified when it is first read, and again
    once the file was modified; else only as far down as the window goes.

    Args:
        dataset: The file, opened; held.

    Raises:
        NotReadable: If the file is another one, or written in an unusual way.
    """

    def __init__(self, dataset: rasterio.DatasetReader) -> None:
        if isal_zlib is None or dataset.compression != Compression.deflate:
            raise NotReadable
        self._blocks = StoredBlocks(dataset)
        predictor = dataset.tags(ns='IMAGE_STRUCTURE').get('PREDICTOR', '1')
        dtype = self._blocks.dtype
        whole = dtype.kind in 'iu' and dtype.itemsize <= 4
        if predictor != '1' and not (predictor == '2' and whole):
            raise NotReadable
        packed = any(
            'NBITS' in dataset.tags(band, ns='IMAGE_STRUCTURE')
            for band in dataset.indexes
        )
        # Of other color spaces, GDAL gives other values than are stored.
        if packed or dataset.photometric not in PLAIN:
            raise NotReadable
        self._differences = predictor == '2'
        self._verified: set[tuple[int, int, int]] = set()
        self._modified = os.fstat(self._blocks.file).st_mtime_ns

    def read(self, window: Window, bands: tuple[int, ...]) -> np.ndarray:
        """Read the pixels of a window.

        Args:
            window: Within the raster.
            bands: Band numbers from 1.

        Returns:
            Shape (height, width, bands).

        Raises:
            NotReadable: If a block is nowhere in the file, or damaged; or if the window
                is not within. GDAL's reader then tells.
        """
        stored = self._blocks
        if not window.is_inside(stored.shape):
            raise NotReadable
        modified = os.fstat(stored.file).st_mtime_ns
        if modified != self._modified:
            self._modified, self._verified = modified, set()
        # Held, as other threads may find the file modified meanwhile.
        verified = self._verified
        out = np.empty((window.height, window.width, len(bands)), stored.dtype)
        for (row, column), within, place in iter_blocks(window, stored.block):
            if stored.by_pixel:
                pixels = self._inflate(1, row, column, within, verified)
                pick_bands(pixels, bands, out[place])
                continue
            planes = [
                self._inflate(band, row, column, within, verified)[..., 0]
                for band in bands
            ]
            merge_bands(planes, out[place])
        return out

    def _inflate(
        self,
        plane: int,
        row: int,
        column: int,
        within: tuple[slice, slice],
        verified: set[tuple[int, int, int]],
    ) -> np.ndarray:
        """Return pixels (H, W, bands) within a block."""
        stored = self._blocks
        depth = stored.count if stored.by_pixel else 1
        height, width = stored.block
        if width >= stored.shape[1]:  # The last strip is cut off, tiles are filled up.
            height = min(height, stored.shape[0] - row * height)
        rows, columns = within
        line = width * depth * stored.dtype.itemsize
        data = stored.bytes_of(plane, row, column)
        key = plane, row, column
        try:
            if key in verified and (height - rows.stop) * line > AHEAD:
                height = rows.stop
                stream = isal_zlib.decompressobj(HEADER)
                raw = stream.decompress(data, height * line)
            else:
                # A byte more, as a full buffer is doubled before the checksum is read.
                raw = isal_zlib.decompress(data, HEADER, height * line + 1)
            block = np.frombuffer(raw, stored.dtype).reshape(height, width, depth)
        except (isal_zlib.error, ValueError) as error:
            raise NotReadable from error
        verified.add(key)
        if not self._differences:
            return block[within]
        upto = block[rows, : columns.stop]
        sums = np.add.accumulate(upto, axis=1, dtype=stored.dtype)
        return sums[:, columns.start :]


class InflatedRasters:
    """Hold rasters of one process open, by path, for several threads.

    Args:
        limit: Files held; the least recently used is closed first.
    """

    def __init__(self, limit: int = 64) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._rasters: OrderedDict[str, InflatedRaster | None] = OrderedDict()

    def read(
        self, path: str, window: Window, bands: tuple[int, ...]
    ) -> np.ndarray | None:
        """Read a window, see `InflatedRaster.read`; None if only GDAL can read it.

        Raises:
            MissingData: If there is no such file.
            UserError: If it is no raster that GDAL can read.
        """
        with self._lock:
            raster = self._open(path)
        try:
            return None if raster is None else raster.read(window, bands)
        except NotReadable:
            # A block that is missing or damaged; others may be read here.
            return None

    def _open(self, path: str) -> InflatedRaster | None:
        if path not in self._rasters:
            try:
                self._rasters[path] = InflatedRaster(open_raster(path))
            except NotReadable:
                self._rasters[path] = None
            if len(self._rasters) > self.limit:
                self._rasters.popitem(last=False)
        self._rasters.move_to_end(path)
        return self._rasters[path]

    def close(self) -> None:
        """Let go of all files."""
        self._rasters.clear()
