"""Read images by rasterio: TIFF, JPEG 2000 and all that has no other decoder."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rsp.errors import MissingData, UserError
from rsp.io.images.image_info import ImageInfo

if TYPE_CHECKING:
    from rasterio import DatasetReader


@contextmanager
def open_raster(path: str) -> Iterator['DatasetReader']:
    """Open a file by rasterio, and tell what it cannot read as a user's mistake.

    Args:
        path: Of the file, or a URI that GDAL opens.

    Raises:
        MissingData: If there is no such file.
        UserError: If rasterio is not installed, or cannot read the file.
    """
    try:
        import rasterio
        from rasterio.errors import NotGeoreferencedWarning, RasterioIOError
    except ImportError as error:
        raise UserError(
            f"expected rasterio to read '{path}' ({error}); pip install "
            "'rsp-pretrain[geo]'."
        ) from error
    try:
        with (
            warnings.catch_warnings(),
            rasterio.Env(
                # Listing a folder of a million images at every open is slow.
                GDAL_DISABLE_READDIR_ON_OPEN='TRUE'
            ),
        ):
            warnings.simplefilter('ignore', NotGeoreferencedWarning)
            with rasterio.open(path) as dataset:
                yield dataset
    except RasterioIOError as error:
        if '://' not in path and not Path(path).exists():
            raise MissingData(f"no image at '{path}'.") from None
        reason = ' '.join(str(error.__cause__ or error).split())
        raise UserError(
            f"cannot read '{path}' as an image ({reason}); copy it anew or remove it."
        ) from None


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
    return ImageInfo(
        path=dataset.name if path is None else path,
        format=dataset.driver,
        height=dataset.height,
        width=dataset.width,
        dtypes=tuple(dataset.dtypes),
        bits=int(bits) if bits else _bits(dataset.dtypes),
        colors=colors,
        palette=_palette(dataset),
        nodata=tuple(dataset.nodatavals),
        # GDAL sees alpha as a mask in files of at most four bands only.
        mask='alpha' if 'alpha' in colors else 'mask' if 'per_dataset' in flags
        else 'none',
        pages=max(len(dataset.subdatasets), 1),
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


def _palette(dataset: Any) -> tuple[tuple[int, int, int, int], ...] | None:
    if dataset.count != 1:
        return None
    try:
        table = dataset.colormap(1)
    except ValueError:  # There is none.
        return None
    black = (0, 0, 0, 255)
    return tuple(table.get(index, black) for index in range(max(table) + 1))
