"""Read windows of many files: held open, blocks once, several at a time."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import rasterio
from rasterio.errors import RasterioIOError
from rasterio.windows import Window as RasterWindow

from rsp.errors import UserError
from rsp.geo.files.remote import is_url
from rsp.geo.rasters import OpenRasters, stored_by_pixel
from rsp.geo.windows.inflated_tiff import InflatedRasters
from rsp.geo.windows.mmap_tiff import MmapRasters
from rsp.geo.windows.pixels import Pixels
from rsp.geo.windows.stored_blocks import CONVERTIBLE
from rsp.geo.windows.window import Window
from rsp.io.images.masking import declared_valid
from rsp.ops import check


@dataclass(frozen=True)
class Region:
    """Name what is read at once.

    Attributes:
        path: File.
        window: Within the file.
        bands: Band numbers from 1.
        masked: Whether a mask or alpha tells what is valid.
        alphas: Numbers of the alpha bands.
        mmap: Whether the file can be mapped into memory, see `WindowReader.can_mmap`;
            not of masked ones.
    """

    path: str
    window: Window
    bands: tuple[int, ...]
    masked: bool = False
    alphas: tuple[int, ...] = ()
    mmap: bool = False


class WindowReader:
    """Read regions of many files, some before they are used.

    Threads decode while the caller works on what came before; GDAL lets Python go on
    meanwhile. Regions that were read are kept, up to a bound, for windows that share
    them. Raw files are mapped into memory instead, see `rsp.geo.windows.mmap_tiff`; of
    deflated ones without a mask, `rsp.geo.windows.inflated_tiff` decodes blocks.

    Args:
        max_open: Files held open per thread, and files mapped.
        threads: Threads that prefetch; 0 reads when asked.
        cache_mb: Bound of what is kept, MiB; the newest region is kept whatever its
            size.
        remote_threads: In place of ``threads``, if more, for files behind URLs, where
            threads wait; none if ``threads`` is 0.
    """

    def __init__(
        self,
        max_open: int = 64,
        threads: int = 2,
        cache_mb: float = 128,
        remote_threads: int = 32,
    ) -> None:
        check.at_least("'threads' of 'reader'", threads, 0)
        check.at_least("'remote_threads' of 'reader'", remote_threads, 0)
        check.at_least("'cache_mb' of 'reader'", cache_mb, 0)
        self.rasters = OpenRasters(max_open)
        self.threads, self.cache_mb = threads, cache_mb
        self.remote_threads = max(remote_threads, threads) if threads else 0
        self._start()

    def _start(self) -> None:
        self._process = os.getpid()
        self._kept: OrderedDict[Region, Pixels] = OrderedDict()
        self._held = 0
        self._coming: OrderedDict[Region, Future[Pixels]] = OrderedDict()
        self._waiting: list[Region] = []
        self._pool: ThreadPoolExecutor | None = None
        self._maps = MmapRasters(self.rasters.limit)
        self._inflated = InflatedRasters(self.rasters.limit)

    def __reduce__(self) -> tuple:
        given = self.rasters.limit, self.threads, self.cache_mb, self.remote_threads
        return WindowReader, given

    def can_mmap(self, path: str) -> bool:
        """Return whether a file is a raw one that can be mapped into memory.

        Raises:
            UserError: If the file cannot be opened.
        """
        self._after_fork()
        return self._maps(path) is not None

    def prefetch(self, regions: Sequence[Region]) -> None:
        """Begin to read what will be asked for, in order; forget earlier calls."""
        self._after_fork()
        wanted = []
        for region in dict.fromkeys(regions):
            if region.mmap:
                self._maps.prefetch(region.path, region.window, region.bands)
            elif region not in self._kept:
                wanted.append(region)
        for region in [r for r in self._coming if r not in wanted]:
            self._coming.pop(region).cancel()
        self._waiting = [r for r in wanted if r not in self._coming][::-1]
        self._top_up()

    def read(self, region: Region, keep: bool = True) -> Pixels:
        """Read the pixels of a region.

        Args:
            region: What to read.
            keep: Whether to keep it for windows that share it; then it is shared, so
                change copies only.

        Raises:
            MissingData: If there is no such file.
            UserError: If the file cannot be read, or not there.
        """
        self._after_fork()
        if region.mmap:
            values = self._maps.read(region.path, region.window, region.bands)
            if values is not None:
                return Pixels(region.window, values)
        if region in self._kept:
            self._kept.move_to_end(region)
            return self._kept[region]
        if region in self._coming:
            pixels = self._coming.pop(region).result()
            self._top_up()
        else:
            pixels = self._decode(region)
        if keep:
            self._keep(region, pixels)
        return pixels

    def close(self) -> None:
        """Stop prefetching and close the files of this thread."""
        self.prefetch([])
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
        self._kept.clear()
        self._held = 0
        self._maps.close()
        self._inflated.close()
        self.rasters.close()

    def _decode(self, region: Region) -> Pixels:
        """Read a region in the faster way; by several threads."""
        if not region.masked and not is_url(region.path):
            values = self._inflated.read(region.path, region.window, region.bands)
            if values is not None:
                return Pixels(region.window, values)
        return read_region(self.rasters, region)

    def _top_up(self) -> None:
        """Keep the threads busy, but do not run far ahead of the caller."""
        while self._waiting:
            remote = is_url(self._waiting[-1].path)
            threads = self.remote_threads if remote else self.threads
            if len(self._coming) >= 2 * threads:
                return
            if self._pool is None:
                # Files behind URLs and others are never in one data set.
                self._pool = ThreadPoolExecutor(threads, 'windows')
            region = self._waiting.pop()
            self._coming[region] = self._pool.submit(self._decode, region)

    def _keep(self, region: Region, pixels: Pixels) -> None:
        self._kept[region] = pixels
        self._held += pixels.nbytes
        while self._held > self.cache_mb * 2**20 and len(self._kept) > 1:
            self._held -= self._kept.popitem(last=False)[1].nbytes

    def _after_fork(self) -> None:
        # Threads do not survive a fork, their locks might be held for ever.
        if self._process != os.getpid():
            self._start()


def read_region(rasters: OpenRasters, region: Region) -> Pixels:
    """Read a region of an open file, as (H, W, bands).

    Raises:
        MissingData: If there is no such file.
        UserError: If the file cannot be read, or the region is not within.
    """
    dataset = rasters(region.path)
    window = region.window
    if not window.is_inside(dataset.shape):
        height, width = dataset.shape
        raise UserError(
            f'expected a window within height {height} and width {width} of '
            f"'{region.path}', got {window}."
        )
    where = RasterWindow(window.left, window.top, window.width, window.height)
    try:
        values = _read(dataset, region.bands, where)
        declared = None
        if region.masked:
            declared = declared_valid(dataset, region.alphas, where)
    except (RasterioIOError, IndexError) as error:
        raise UserError(
            f"expected to read bands {region.bands} of '{region.path}' at {window}, "
            f'got: {error.__cause__ or error}; the file is damaged or changed, so copy '
            'it anew or remove it.'
        ) from None
    return Pixels(window, values, declared)


def _read(
    dataset: rasterio.DatasetReader, bands: tuple[int, ...], where: RasterWindow
) -> np.ndarray:
    """Read pixels (H, W, bands), in the faster way."""
    few = dataset.count <= 4 or 2 * len(bands) < dataset.count
    if few or not stored_by_pixel(dataset):
        return _bands_last(dataset.read(list(bands), window=where))
    # OpenCV merges few bands faster than GDAL does, but not many.
    shape = (where.height, where.width, dataset.count)
    values = np.empty(shape, dataset.dtypes[0])
    dataset.read(window=where, out=values.transpose(2, 0, 1))
    if bands == tuple(range(1, dataset.count + 1)):
        return values
    return np.ascontiguousarray(values[..., np.array(bands) - 1])


def _bands_last(pixels: np.ndarray) -> np.ndarray:
    """Move bands last, (H, W, bands), quickly where OpenCV knows the type."""
    if len(pixels) == 1:
        return pixels[0][..., None]
    if pixels.dtype in (*CONVERTIBLE, np.int16, np.int32, np.float64):
        return cv2.merge(list(pixels))
    return np.ascontiguousarray(pixels.transpose(1, 2, 0))
