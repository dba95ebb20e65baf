"""Read images by rasterio: TIFF, JPEG 2000 and all that has no other decoder."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rsp.errors import BrokenFile, MissingData, UserError
from rsp.io.images.content import HEAD, content_of, format_of, is_remote
from rsp.io.images.image_info import ImageInfo

if TYPE_CHECKING:
    from rasterio import DatasetReader

LOG_LUV = 'SGILOG'

_lock = threading.Lock()
_ignoring: list[warnings.catch_warnings] = []
_inside = 0


@contextmanager
def _ignored(category: type[Warning]) -> Iterator[None]:
    """Ignore a kind of warning while any thread is inside.

    Filters belong to the process: threads that restored them each for itself would
    bring the warning back while another one still reads.
    """
    global _inside
    with _lock:
        if not _inside:
            _ignoring.append(warnings.catch_warnings())
            _ignoring[-1].__enter__()
            warnings.simplefilter('ignore', category)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _ignoring.pop().__exit__(None, None, None)


@contextmanager
def open_raster(path: str, content: bytes | None = None) -> Iterator['DatasetReader']:
    """Open a file by rasterio, and tell what it cannot read as a user's mistake.

    Args:
        path: Of the file, or a URI that GDAL opens; with ``content`` only its name.
        content: Of the file, where it comes from elsewhere.

    Raises:
        MissingData: If there is no such file.
        BrokenFile: If rasterio cannot read it.
        UserError: If rasterio is not installed.
    """
    try:
        import rasterio
        from rasterio.errors import NotGeoreferencedWarning, RasterioIOError
    except ImportError as error:
        if _is_damaged(path, content):
            raise BrokenFile(path, 'neither a JPEG nor a PNG') from None
        raise UserError(
            f"expected rasterio to read '{path}' ({error}); pip install "
            "'rsp-pretrain[geo]'."
        ) from error
    try:
        with (
            _ignored(NotGeoreferencedWarning),
            rasterio.Env(
                # Listing a folder of a million images at every open is slow.
                GDAL_DISABLE_READDIR_ON_OPEN='TRUE'
            ),
        ):
            if content is None:
                with rasterio.open(path) as dataset:
                    yield dataset
                return
            with rasterio.MemoryFile(content) as memory, memory.open() as dataset:
                yield dataset
    except RasterioIOError as error:
        if content is None and not is_remote(path) and not Path(path).exists():
            raise MissingData(f"cannot load '{path}', there is no such file.") from None
        reason = ' '.join(str(error.__cause__ or error).split())
        raise BrokenFile(path, reason) from None


def _is_damaged(path: str, content: bytes | None) -> bool:
    """Tell whether a file is named as a JPEG or PNG and holds nothing we know.

    Rasterio would not read it either.
    """
    if is_remote(path) or Path(path).suffix.lower() not in ('.jpg', '.jpeg', '.png'):
        return False
    content = content_of(path, ('',), HEAD) if content is None else content
    return content is not None and not format_of(content)


def read_info(path: str) -> ImageInfo:
    """Describe a file by its header, see `rsp.io.images.read_info`."""
    with open_raster(path) as dataset:
        return info_of(dataset, path)


def info_of(dataset: 'DatasetReader', path: str | None = None) -> ImageInfo:
    """Describe an open file.

    Args:
        dataset: Open for reading.
        path: What to call it; None takes the dataset's own name.
    """
    flags = {flag.name for band in dataset.mask_flag_enums for flag in band}
    colors = tuple(color.name for color in dataset.colorinterp)
    bits = dataset.tags(1, ns='IMAGE_STRUCTURE').get('NBITS') if dataset.count else None
    gcps, _ = dataset.gcps
    compression = dataset.tags(ns='IMAGE_STRUCTURE').get('COMPRESSION', '')
    # Floats of LogLuv, as OpenCV writes them; GDAL gives their codes.
    luv = compression.startswith(LOG_LUV)
    dtypes = ('float32',) * dataset.count if luv else tuple(dataset.dtypes)
    return ImageInfo(
        path=dataset.name if path is None else path,
        format=dataset.driver,
        height=dataset.height,
        width=dataset.width,
        dtypes=dtypes,
        bits=int(bits) if bits else _bits(dtypes),
        colors=colors,
        compression=compression,
        palette=_palette(dataset),
        nodata=tuple(dataset.nodatavals),
        # GDAL sees alpha as a mask in files of at most four bands only.
        mask='alpha' if 'alpha' in colors else 'mask' if 'per_dataset' in flags
        else 'none',
        pages=max(len(dataset.subdatasets), 1),
        pages_are_alike=_pages_are_alike(dataset),
        subdatasets=tuple(dataset.subdatasets),
        scales=tuple(dataset.scales),
        offsets=tuple(dataset.offsets),
        descriptions=tuple(dataset.descriptions),
        has_gcps=bool(gcps),
        has_rpcs=dataset.rpcs is not None,
    )  # fmt: skip


def _bits(dtypes: tuple[str, ...]) -> int:
    import numpy as np

    # GDAL's own complex integers are no types of NumPy.
    known = {'complex_int16': 32, 'complex_int32': 64}
    return known.get(dtypes[0]) or 8 * np.dtype(dtypes[0]).itemsize if dtypes else 0


def _pages_are_alike(dataset: Any) -> bool:
    if len(dataset.subdatasets) < 2:
        return False
    with open_raster(dataset.subdatasets[1]) as second:
        return bool(second.shape == dataset.shape)


def _palette(dataset: Any) -> tuple[tuple[int, int, int, int], ...] | None:
    if dataset.count != 1:
        return None
    try:
        table = dataset.colormap(1)
    except ValueError:  # There is none.
        return None
    black = (0, 0, 0, 255)
    return tuple(table.get(index, black) for index in range(max(table) + 1))
