"""Open raster files, hold them open, list them."""

import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import RasterioIOError

from rsp.errors import MissingData, UserError
from rsp.io.files import files_below
from rsp.ops import check

GDAL_SETTINGS: dict[str, Any] = dict(
    # Listing a folder of a million scenes at every open is slow. Not EMPTY_DIR, which
    # would hide the files beside a raster that hold its georeference (.tfw, .aux.xml).
    GDAL_DISABLE_READDIR_ON_OPEN='TRUE',
    # Remote files: fewer, larger requests, and what was read is kept.
    GDAL_HTTP_MERGE_CONSECUTIVE_RANGES='YES',
    VSI_CACHE=True,
)

# Longitude and latitude.
WGS84 = CRS.from_epsg(4326)

# What is taken for a raster in a folder.
ENDINGS = ('.tif', '.tiff', '.jp2', '.j2k', '.img', '.vrt')


class OpenRasters(threading.local):
    """Hold rasters open, each opened once per thread and process.

    GDAL's handles belong to one thread, and must not outlive a fork: a thread or a
    worker process that inherits this object opens its own.

    Args:
        limit: Files held open per thread; the one unused for longest is closed first.
    """

    def __init__(self, limit: int = 64) -> None:
        check.at_least('a limit of open files', limit, 1)
        self.limit = limit
        self._handles: OrderedDict[str, rasterio.DatasetReader] = OrderedDict()
        self._process = os.getpid()

    def __call__(self, path: str | os.PathLike) -> rasterio.DatasetReader:
        """Return the open raster of a file.

        Raises:
            MissingData: If there is no such file.
            UserError: If it is no raster that GDAL can read.
        """
        if self._process != os.getpid():
            self._handles.clear()
            self._process = os.getpid()
        key = os.fspath(path)
        if key in self._handles:
            self._handles.move_to_end(key)
            return self._handles[key]
        handle = open_raster(key)
        self._handles[key] = handle
        if len(self._handles) > self.limit:
            self._handles.popitem(last=False)[1].close()
        return handle

    def __len__(self) -> int:
        return len(self._handles)

    def __reduce__(self) -> tuple:
        return OpenRasters, (self.limit,)

    def close(self) -> None:
        """Close what this thread holds."""
        while self._handles:
            self._handles.popitem()[1].close()


def open_raster(path: str | os.PathLike) -> rasterio.DatasetReader:
    """Open a raster for reading, with our settings of GDAL.

    Raises:
        MissingData: If there is no such file.
        UserError: If it is no raster that GDAL can read.
    """
    try:
        with rasterio.Env(**GDAL_SETTINGS):
            return rasterio.open(path)
    except RasterioIOError as error:
        if '://' not in os.fspath(path) and not Path(path).exists():
            raise MissingData(f"no raster '{path}'.") from None
        raise UserError(
            f"expected a raster that GDAL can read, got '{path}': {error}; replace or "
            'remove it.'
        ) from None


def rasters_below(folder: Path, endings: Sequence[str] = ENDINGS) -> list[Path]:
    """List raster files of a folder and its sub-folders, sorted by path.

    Raises:
        UserError: If one has a name that GDAL cannot open.
    """
    files = files_below(folder, endings)
    for file in files:
        try:
            str(file).encode()
        except UnicodeEncodeError:
            raise UserError(
                f'expected names of files in UTF-8, which GDAL reads, got '
                f'{os.fsencode(file)!r}; rename it, e.g. with convmv.'
            ) from None
    return files


def stored_by_pixel(dataset: rasterio.DatasetReader) -> bool:
    """Return whether the bands of a pixel lie together in the file."""
    interleaving = dataset.interleaving
    return interleaving is not None and interleaving.value == 'PIXEL'


def georeference(dataset: rasterio.DatasetReader) -> tuple[Affine, CRS]:
    """Return where on the ground a raster lies.

    Args:
        dataset: Opened.

    Returns:
        From pixel corners to the units of the reference system, and that system.

    Raises:
        UserError: If the file tells no reference system, or no transform.
    """
    if dataset.crs is None:
        raise UserError(
            f"expected a reference system (CRS) in '{dataset.name}', got none; add it "
            f'with gdal_edit.py -a_srs EPSG:<code>, if it is known.'
        )
    # What rasterio says of a file that tells none.
    if dataset.transform in (Affine.identity(), Affine.scale(1, -1)):
        raise UserError(
            f"expected a geotransform in '{dataset.name}', got none; add it with "
            'gdal_edit.py -a_ullr <west> <north> <east> <south>, if it is known.'
        )
    return dataset.transform, dataset.crs
