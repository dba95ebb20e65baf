"""Describe a file of imagery: size, bands, blocks, statistics, valid pixels."""

from __future__ import annotations

import base64
import math
import os
import zlib
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import RasterioIOError
from rasterio.windows import Window as RasterWindow

from rsp.errors import UserError
from rsp.geo.files.palette import is_expanded
from rsp.geo.files.remote import facts_of, is_url
from rsp.geo.files.signature import Signatures, sources_of
from rsp.geo.nodata import nodata_mask, valid_pixels
from rsp.geo.rasters import has_no_transform, open_raster, tied_by
from rsp.io.images.masking import declared_valid, has_mask, is_mask
from rsp.io.images.rasters import info_of

# As published (GeoKR): statistics from a read at 1/20 of the size. Smaller
# scenes are read finer, so that percentiles still mean something.
DECIMATION = 20
LEAST_EDGE = 256

METERS_PER_DEGREE = 111_320  # along a meridian

# Ranks, in per cent, at which the values of a band are kept; dense in the tails.
RANKS = (0, 0.1, 0.2, 0.5, 1, 2, *range(5, 100, 5), 98, 99, 99.5, 99.8, 99.9, 100)


@lru_cache(maxsize=256)
def _meters_per_unit(crs: str) -> float:
    """Return the length of a reference system's unit; parsed once for many scenes."""
    system = CRS.from_user_input(crs)
    if system.is_geographic:
        return METERS_PER_DEGREE
    return system.linear_units_factor[1]


@dataclass(frozen=True)
class Scene:
    """Describe a readable file of imagery.

    Attributes:
        path: Relative to the folder of the index, with forward slashes.
        size: Bytes.
        signature: Of all files that it depends on when it was read, see
            `rsp.geo.files.signature`.
        sources: Files that it depends on, relative to its folder; those that
            `rsp.geo.files.signature` looks for beside it may be missing here.
        width, height: Pixels.
        bands: Number of bands, alpha included.
        alphas: Numbers, from 1, of the bands that tell what is transparent.
        translucent: Number of a band that is declared as alpha and holds data, such as
            infrared; None without one.
        palette: Whether the file holds palette indices, read as red, green and blue.
        bits: That a value of the first band uses, e.g. 1, 8 or 12.
        dtype: Of the first band, as NumPy names it; ``dtypes_differ`` if others are not
            the same.
        transform: The six numbers a, b, c, d, e, f of the affine transform from pixel
            corners to ``crs``; None if the file tells none.
        crs: Reference system, as ``EPSG:<code>`` or WKT; None if the file tells none.
        tied_by: What else ties it to the ground, see `rsp.geo.rasters.tied_by`.
        nodata: No-data value of each band; None where the file tells none.
        mask: How no-data is marked: ``'nodata'`` (by value), ``'band'`` (alpha, or a
            mask in the file or beside it), or ``'none'``; then pixels that are 0 in
            all bands count as no-data.
        block: Height and width of the blocks in which the file is stored, pixels.
        interleave: ``'pixel'`` or ``'band'``.
        compression: As rasterio names it; None if raw.
        descriptions: Name of each band; None where it has none.
        tags: What the file says about itself, e.g. ``TIFFTAG_DATETIME``.
        decimation: Pixels per pixel of the small read, along an edge.
        valid_share: Share of the pixels of the small read that are valid, 0 to 1.
        stretch: 1st and 99th percentile of all data bands jointly; None if nothing is
            valid. Like all statistics without values that are no data of their band.
        quantiles: Per band, the values at `RANKS`; empty if nothing is valid.
        mean, std: Per band, of the valid pixels; empty if nothing is valid.
        mask_bits: The coarse valid mask, packed; read it by `valid_mask`.
        colors: Color interpretation of each band, as rasterio names it.
        scales, offsets: Of each band, from stored to physical values, as declared.
        pages: Images in the file, of which the first is read.
    """

    path: str
    size: int
    signature: str
    sources: tuple[str, ...]
    width: int
    height: int
    bands: int
    alphas: tuple[int, ...]
    translucent: int | None
    palette: bool
    bits: int
    dtype: str
    dtypes_differ: bool
    transform: tuple[float, ...] | None
    crs: str | None
    tied_by: tuple[str, str] | None
    nodata: tuple[float | None, ...]
    mask: str
    block: tuple[int, int]
    interleave: str
    compression: str | None
    descriptions: tuple[str | None, ...]
    tags: dict[str, str] = field(hash=False)
    decimation: int
    valid_share: float
    stretch: tuple[float, float] | None
    quantiles: tuple[tuple[float, ...], ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    mask_bits: str
    colors: tuple[str, ...]
    scales: tuple[float, ...]
    offsets: tuple[float, ...]
    pages: int

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, pixels."""
        return self.height, self.width

    @property
    def data_bands(self) -> tuple[int, ...]:
        """Numbers, from 1, of the bands that are not alpha."""
        return tuple(b for b in range(1, self.bands + 1) if b not in self.alphas)

    @property
    def affine(self) -> Affine | None:
        """Transform as rasterio wants it."""
        return None if self.transform is None else Affine(*self.transform)

    @property
    def reference_system(self) -> CRS | None:
        """Reference system as rasterio wants it."""
        return None if self.crs is None else CRS.from_user_input(self.crs)

    @property
    def pixel_size(self) -> tuple[float, float] | None:
        """Lengths of a pixel's edges, in units of the reference system."""
        if self.affine is None:
            return None
        a, b, _, d, e, _ = self.affine[:6]
        return math.hypot(a, d), math.hypot(b, e)

    @property
    def resolution(self) -> float | None:
        """Ground sampling distance, meters: of a pixel's edge towards the next row."""
        if self.pixel_size is None or self.crs is None:
            return None
        return self.pixel_size[1] * _meters_per_unit(self.crs)

    @property
    def valid_mask(self) -> np.ndarray:
        """Pixels with data, one for ``decimation`` by ``decimation``.

        Returns:
            Bool, shape (ceil(height / decimation), ceil(width / decimation)).
        """
        rows, columns = coarse_shape(self.height, self.width, self.decimation)
        if self.valid_share in (0.0, 1.0):
            return np.full((rows, columns), bool(self.valid_share))
        bits = np.frombuffer(
            zlib.decompress(base64.b64decode(self.mask_bits)), np.uint8
        )
        return np.unpackbits(bits, count=rows * columns).reshape(rows, columns) > 0

    def to_json(self) -> dict[str, Any]:
        """Return plain values; `from_json` undoes it."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Scene:
        """Make a scene from what `to_json` gave, also after a way through JSON."""
        known = {name: _frozen(values[name]) for name in (f.name for f in fields(cls))}
        return cls(**known)


def read_scene(
    file: Path | str, path: str, signatures: Signatures | None = None
) -> Scene:
    """Read the header of a file and all bands at a fraction of its size.

    Args:
        file: The file, or its URL.
        path: What it is called in the index.
        signatures: Shared by many files, as it lists folders once.

    Raises:
        MissingData: If there is no such file.
        UserError: If GDAL cannot read it, or its end is missing.
    """
    with open_raster(file) as dataset:
        sources = _sources_of(dataset, file)
        # Before the pixels: what changes meanwhile is read anew.
        signature = (signatures or Signatures())(file, sources)
        pixels, valid, alphas = read_small(dataset, file)
        data = [b for b in dataset.indexes if b not in alphas]
        if not data:
            raise UserError(
                f"expected bands of data in '{file}', got only alpha; remove it."
            )
        info = info_of(dataset)
        declared = [b for b in info.alpha_bands if b not in alphas]
        rows = [band - 1 for band in data]
        tags = {k: v for k, v in dataset.tags().items() if len(v) <= 200}
        return Scene(
            path=path,
            size=facts_of(str(file))[0] if is_url(file) else os.path.getsize(file),
            signature=signature,
            sources=sources,
            width=dataset.width,
            height=dataset.height,
            bands=dataset.count,
            alphas=alphas,
            translucent=declared[0] if declared else None,
            palette=is_expanded(dataset),
            bits=info.bits,
            dtype=dataset.dtypes[0],
            dtypes_differ=len({dataset.dtypes[row] for row in rows}) > 1,
            transform=None if has_no_transform(dataset) else dataset.transform[:6],
            crs=_name_of(dataset.crs),
            tied_by=tied_by(dataset),
            nodata=tuple(dataset.nodatavals),
            mask=_mask_kind(dataset, alphas),
            block=tuple(dataset.block_shapes[0]),
            interleave=dataset.interleaving.value.lower()
            if dataset.interleaving
            else 'pixel',
            compression=dataset.compression.value if dataset.compression else None,
            descriptions=tuple(dataset.descriptions),
            tags=tags,
            decimation=decimation_of(dataset.height, dataset.width),
            valid_share=float(valid.mean()),
            **_statistics(pixels, valid, nodata_mask(pixels, dataset.nodatavals), rows),
            mask_bits=base64.b64encode(
                zlib.compress(np.packbits(valid).tobytes())
            ).decode(),
            colors=tuple(color.name for color in dataset.colorinterp),
            scales=tuple(dataset.scales),
            offsets=tuple(dataset.offsets),
            pages=max(len(dataset.subdatasets), 1),
        )


def read_small(
    dataset: rasterio.DatasetReader, file: Path | str
) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
    """Read all bands at a fraction of the size, see `decimation_of`.

    Args:
        dataset: Open file.
        file: Its name, for messages.

    Returns:
        Pixels (bands, H, W), the valid ones (H, W), and the numbers of alpha bands.

    Raises:
        UserError: If the file is damaged.
    """
    decimation = decimation_of(dataset.height, dataset.width)
    shape = coarse_shape(dataset.height, dataset.width, decimation)
    try:
        pixels = dataset.read(out_shape=(dataset.count, *shape))
        # Overviews lie before what is missing at the end of a truncated file.
        corner = RasterWindow(dataset.width - 1, dataset.height - 1, 1, 1)
        dataset.read(window=corner)
        info = info_of(dataset)
        colors = pixels[[band - 1 for band in info.data_bands]].transpose(1, 2, 0)
        alphas = tuple(
            band for band in info.alpha_bands if is_mask(pixels[band - 1], colors)
        )
        declared = declared_valid(dataset, alphas, out_shape=shape)
    except RasterioIOError as error:
        cause = error.__cause__ or error
        raise UserError(
            f"expected whole blocks in '{file}', got: {cause}; the file is "
            'truncated or damaged, so copy it anew or remove it.'
        ) from None
    rows = [band - 1 for band in dataset.indexes if band not in alphas]
    nodata = [dataset.nodatavals[row] for row in rows]
    return pixels, valid_pixels(pixels[rows], nodata, declared), alphas


def decimation_of(height: int, width: int) -> int:
    """Return pixels per pixel of the small read: 20, or less under 5,120 pixels."""
    return max(1, min(DECIMATION, max(height, width) // LEAST_EDGE))


def coarse_shape(height: int, width: int, decimation: int) -> tuple[int, int]:
    """Return rows and columns of the small read."""
    return math.ceil(height / decimation), math.ceil(width / decimation)


def _statistics(
    pixels: np.ndarray, valid: np.ndarray, nodata: np.ndarray | None, rows: list[int]
) -> dict[str, Any]:
    if pixels.dtype.kind == 'c':
        pixels = np.abs(pixels)
    if not valid.any():
        return dict(stretch=None, quantiles=(), mean=(), std=())
    kept = [valid] * len(pixels)
    if nodata is not None:
        kept = [valid & ~band for band in nodata]
    # A band without data beside others that have some counts as 0.
    bands = [
        band[where] if where.any() else np.zeros(1, pixels.dtype)
        for band, where in zip(pixels, kept, strict=True)
    ]
    low, high = np.percentile(np.concatenate([bands[row] for row in rows]), (1, 99))
    return dict(
        stretch=(float(low), float(high)),
        quantiles=tuple(tuple(np.percentile(band, RANKS).tolist()) for band in bands),
        mean=tuple(float(band.mean(dtype=np.float64)) for band in bands),
        std=tuple(float(band.std(dtype=np.float64)) for band in bands),
    )


def _mask_kind(dataset: rasterio.DatasetReader, alphas: tuple[int, ...]) -> str:
    if alphas or has_mask(dataset):
        return 'band'
    told = any(value is not None for value in dataset.nodatavals)
    return 'nodata' if told else 'none'


def _sources_of(dataset: rasterio.DatasetReader, file: Path | str) -> tuple[str, ...]:
    if is_url(file):
        return ()
    folder = os.path.abspath(os.path.dirname(file))
    sources = dict.fromkeys(sources_of(file))
    for name in map(os.path.abspath, dataset.files):
        if name != os.path.abspath(file):
            sources[os.path.relpath(name, folder)] = None
    return tuple(sources)


def _name_of(crs: CRS | None) -> str | None:
    if crs is None:
        return None
    code = crs.to_epsg()
    return crs.to_wkt() if code is None else f'EPSG:{code}'


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value
