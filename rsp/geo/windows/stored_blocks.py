"""Find the blocks of a GeoTIFF in its file."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import rasterio

from rsp.geo.rasters import stored_by_pixel

# What OpenCV reorders quickly.
CONVERTIBLE = (np.uint8, np.uint16, np.float32)
MOST_MERGED = 512  # Channels of OpenCV.
BYTE_ORDER = dict(little=b'II', big=b'MM')[sys.byteorder]


class NotReadable(Exception):
    """Signal that blocks cannot be read as stored: GDAL has to read them."""


class StoredBlocks:
    """Give the bytes of the blocks of a local GeoTIFF; GDAL tells where they lie.

    Usable by several threads.

    Args:
        dataset: The file, opened; held.

    Attributes:
        block: Height and width of a block, pixels.
        by_pixel: Whether the bands of a pixel lie together.
        file: Descriptor of the open file.

    Raises:
        NotReadable: If the file is another one, or of the other byte order.
    """

    def __init__(self, dataset: rasterio.DatasetReader) -> None:
        path = Path(dataset.name)
        if dataset.driver != 'GTiff' or not path.is_file():
            raise NotReadable
        self._dataset, self._lock = dataset, threading.Lock()
        self.shape, self.count = dataset.shape, dataset.count
        self.dtype = np.dtype(dataset.dtypes[0])
        self.block: tuple[int, int] = dataset.block_shapes[0]
        self.by_pixel = stored_by_pixel(dataset)
        self._places: dict[tuple[int, int, int], tuple[int, int]] = {}
        self.file = os.open(path, os.O_RDONLY | getattr(os, 'O_BINARY', 0))
        weakref.finalize(self, os.close, self.file)
        if os.pread(self.file, 2, 0) != BYTE_ORDER:
            raise NotReadable

    def place(self, plane: int, row: int, column: int) -> tuple[int, int]:
        """Return where in the file a block begins, and how many bytes it has.

        Args:
            plane: Band number from 1; 1 for all, where bands of a pixel lie together.
            row: Of the block, among blocks.
            column: Likewise.

        Raises:
            NotReadable: If it was never written, as it is of no-data only.
        """
        key = plane, row, column
        if key not in self._places:
            with self._lock:
                offset, size = (
                    self._dataset.get_tag_item(
                        f'BLOCK_{what}_{column}_{row}', 'TIFF', bidx=plane
                    )
                    for what in ('OFFSET', 'SIZE')
                )
            if offset is None or size is None:
                raise NotReadable
            self._places[key] = int(offset), int(size)
        return self._places[key]

    def bytes_of(self, plane: int, row: int, column: int) -> bytes:
        """Read the bytes of a block as they are stored, see `place`.

        Raises:
            NotReadable: If they are not all there.
        """
        offset, size = self.place(plane, row, column)
        found = os.pread(self.file, size, offset)
        if len(found) < size:  # Cut off.
            raise NotReadable
        return found


def pick_bands(pixels: np.ndarray, bands: tuple[int, ...], out: np.ndarray) -> None:
    """Copy bands of pixels (H, W, count) to (H, W, bands)."""
    count = pixels.shape[2]
    if bands == tuple(range(1, count + 1)):
        out[:] = pixels
    elif bands == (3, 2, 1) and count == 3 and pixels.dtype in CONVERTIBLE:
        cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR, dst=out)
    else:
        for number, band in enumerate(bands):
            out[..., number] = pixels[..., band - 1]


def merge_bands(planes: Sequence[np.ndarray], out: np.ndarray) -> None:
    """Copy bands (H, W) to (H, W, bands)."""
    if 1 < len(planes) <= MOST_MERGED and out.dtype in CONVERTIBLE:
        cv2.merge(planes, dst=out)
        return
    for number, plane in enumerate(planes):
        out[..., number] = plane
