"""Open raster files, hold them open, list them."""

import math
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
from rasterio.warp import transform as warp_points

from rsp.errors import MissingData, UserError
from rsp.geo.files.palette import expand_palette, has_palette, path_of
from rsp.io.files import files_below
from rsp.ops import check

GDAL_SETTINGS: dict[str, Any] = dict(
    # Listing a folder of a million scenes at every open is slow. Not EMPTY_DIR, which
    # would hide the files beside a raster that hold its georeference (.tfw, .aux.xml).
    GDAL_DISABLE_READDIR_ON_OPEN='TRUE',
    # Remote files: fewer, larger requests, and what was read is kept.
    GDAL_HTTP_MERGE_CONSECUTIVE_RANGES='YES',
    VSI_CACHE=True,
    # Bytes of each file that is held open, by each of many threads.
    VSI_CACHE_SIZE=1_000_000,
)

# Longitude and latitude.
WGS84 = CRS.from_epsg(4326)

# What is taken for a raster in a folder.
ENDINGS = ('.tif', '.tiff', '.jp2', '.j2k', '.img', '.vrt')
# Images in a folder that holds no rasters.
IMAGE_ENDINGS = ('.jpg', '.jpeg', '.png', '.bmp')


class OpenRasters(threading.local):
    """Hold rasters open, each opened once per thread and process.

    GDAL's handles belong to one thread, and must not outlive a fork: a thread or a
    worker process that inherits this object opens its own.

    Args:
        limit: Files held open per thread; the one unused for longest is closed first.
        expand: See `open_raster`.
    """

    def __init__(self, limit: int = 64, expand: bool = True) -> None:
        check.at_least('a limit of open files', limit, 1)
        self.limit, self.expand = limit, expand
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
        handle = open_raster(key, self.expand)
        self._handles[key] = handle
        if len(self._handles) > self.limit:
            self._handles.popitem(last=False)[1].close()
        return handle

    def __len__(self) -> int:
        return len(self._handles)

    def __reduce__(self) -> tuple:
        return OpenRasters, (self.limit, self.expand)

    def close(self) -> None:
        """Close what this thread holds."""
        while self._handles:
            self._handles.popitem()[1].close()


def open_raster(path: str | os.PathLike, expand: bool = True) -> rasterio.DatasetReader:
    """Open a raster for reading, with our settings of GDAL.

    Args:
        path: File.
        expand: Whether palette indices are read as the colors that they stand for;
            False for classes.

    Raises:
        MissingData: If there is no such file.
        UserError: If it is no raster that GDAL can read.
    """
    try:
        with rasterio.Env(**GDAL_SETTINGS):
            dataset = rasterio.open(path)
            if not expand or not has_palette(dataset):
                return dataset
            with dataset:
                return expand_palette(dataset)
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
    transform = None if has_no_transform(dataset) else dataset.transform
    refusal = refuse_place(path_of(dataset), dataset.crs, transform, tied_by(dataset))
    if refusal is not None:
        raise refusal
    return dataset.transform, dataset.crs


def refuse_place(
    file: str, crs: Any, transform: Any, tied: tuple[str, str] | None
) -> UserError | None:
    """Return what to raise for a raster that lies at no certain place.

    Args:
        file: Its name.
        crs: Its reference system, None without one.
        transform: Its transform, None without one.
        tied: See `tied_by`.

    Returns:
        An error with the remedy; None if it has both.
    """
    if tied is not None:
        return UserError(
            f"expected a geotransform in '{file}', got {tied[0]} only, by which its "
            'rows and columns lie askew on the ground; warp it first: gdalwarp -t_srs '
            f'{tied[1]} IN OUT.'
        )
    if crs is None:
        return UserError(
            f"expected a reference system (CRS) in '{file}', got none; add it "
            'with gdal_edit.py -a_srs EPSG:<code>, if it is known.'
        )
    if transform is None:
        return UserError(
            f"expected a geotransform in '{file}', got none; add it with "
            'gdal_edit.py -a_ullr <west> <north> <east> <south>, if it is known.'
        )
    return None


def has_no_transform(dataset: rasterio.DatasetReader) -> bool:
    """Return whether the transform is what rasterio says of a file that tells none."""
    return dataset.transform in (Affine.identity(), Affine.scale(1, -1))


def tied_by(dataset: rasterio.DatasetReader) -> tuple[str, str] | None:
    """Return what ties a raster without a transform to the ground.

    Returns:
        ``'ground control points'`` or ``'RPCs'``, and the ``EPSG:<code>`` of the UTM
        zone in its middle, to which to warp it; None with a transform, or if nothing
        does.
    """
    if not has_no_transform(dataset):
        return None
    points, crs = dataset.gcps
    if points and crs is not None:
        middle = [sum(getattr(p, axis) for p in points) / len(points) for axis in 'xy']
        (x,), (y,) = warp_points(crs, WGS84, middle[:1], middle[1:])
        return 'ground control points', utm_code(x, y)
    if dataset.rpcs is not None:
        return 'RPCs', utm_code(dataset.rpcs.long_off, dataset.rpcs.lat_off)
    return None


def utm_code(lon: float, lat: float) -> str:
    """Return the ``EPSG:<code>`` of the UTM zone at a place, in degrees; WGS 84."""
    zone = math.floor((lon + 180) / 6) % 60 + 1
    return f'EPSG:{(32600 if lat >= 0 else 32700) + zone}'
