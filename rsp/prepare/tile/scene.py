"""Cut one scene into tiles of one size, georeferenced where their pixels were read."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from rasterio.windows import Window as RasterWindow

from rsp.errors import UserError
from rsp.geo.files.signature import Signatures
from rsp.geo.nodata import nodata_mask
from rsp.geo.radiometry import Stretch, stretch
from rsp.geo.rasters import georeference, open_raster
from rsp.geo.rejection import QualityRules
from rsp.geo.scene import Scene, read_scene
from rsp.io.files import write_atomically
from rsp.ops import check
from rsp.ops.tiling import tile_offsets
from rsp.prepare.raster_pixels import read_pixels

BLOCK = 256


@dataclass(frozen=True)
class TileSettings:
    """Store size, stride and values of tiles; the defaults are GeoKR's.

    Attributes:
        crop_size: Edge of a tile, pixels.
        stride: Pixels between tiles; the last ones end at the scene's border.
        percentiles: Percentiles, 0 to 100, of all bands jointly that become 0 and 255;
            None keeps the values.
        keep_all: Keep dark, flat and cloudy tiles.
    """

    crop_size: int = 256
    stride: int = 200
    percentiles: tuple[float, float] | None = (1, 99)
    keep_all: bool = False

    def __post_init__(self) -> None:
        check.at_least('crop size', self.crop_size, 1)
        check.at_least('stride', self.stride, 1)
        if self.percentiles is not None:
            Stretch(percentiles=self.percentiles)  # Refuses what does not rise.


def cut_scene(job: Mapping[str, Any]) -> dict[str, Any]:
    """Write the tiles of one scene, the work of one job.

    Args:
        job: ``key`` (path of the scene below ``scenes``), ``scenes``, ``out`` and
            ``settings``.

    Returns:
        ``tiles``: number written; ``rejected``: number by reason; ``limits``: values
        that became 0 and 255; ``stamp``: signature of the scene.

    Raises:
        UserError: If the scene cannot be cut.
    """
    settings = TileSettings(**job['settings'])
    file = Path(job['scenes'], job['key'])
    folder = Path(job['out'], job['key']).parent
    folder.mkdir(parents=True, exist_ok=True)
    stamp = Signatures()(file)
    scene = read_scene(file, job['key'])
    counts: Counter[str] = Counter()
    with open_raster(file) as dataset:
        transform, _ = georeference(dataset)
        if min(scene.width, scene.height) < settings.crop_size:
            raise UserError(
                f'expected at least {settings.crop_size} x {settings.crop_size} pixels '
                f"in '{file}', got {scene.width} x {scene.height}; lower --crop-size."
            )
        bands = scene.data_bands
        limits = Stretch(percentiles=settings.percentiles or (1.0, 99.0)).range_of(
            scene, bands
        )
        nodata = tuple(scene.nodata[band - 1] for band in bands)
        for top, left, pixels, valid in _tiles(dataset, scene, bands, settings):
            stretched = stretch(pixels, limits) * valid[..., None]
            mask = nodata_mask(pixels.transpose(2, 0, 1), nodata)
            if mask is not None:
                stretched[mask.transpose(1, 2, 0)] = 0
            reason = None if settings.keep_all else QualityRules().reason(stretched)
            counts[reason or 'written'] += 1
            if reason is None:
                _write(
                    folder / f'{file.stem}_{left}_{top}.tif',
                    stretched if settings.percentiles else pixels,
                    valid,
                    dataset,
                    bands,
                    transform @ Affine.translation(left, top),
                )
    written = counts.pop('written', 0)
    return dict(
        tiles=written,
        rejected=dict(counts),
        limits=limits[0].tolist(),
        stamp=stamp,
    )


def _tiles(
    dataset: rasterio.DatasetReader,
    scene: Scene,
    bands: Sequence[int],
    settings: TileSettings,
) -> Iterator[tuple[int, int, np.ndarray, np.ndarray]]:
    """Yield top, left, pixels (H, W, C) and valid mask (H, W) of all tiles by row."""
    size, stride = settings.crop_size, settings.stride
    for top in tile_offsets(scene.height, size, stride):
        # Whole rows: every block is decoded once or, in the overlap, twice.
        rows = RasterWindow(0, top, scene.width, size)
        strip, valid = read_pixels(dataset, scene, bands, rows)
        for left in tile_offsets(scene.width, size, stride):
            columns = slice(left, left + size)
            yield top, left, strip[:, columns], valid[:, columns]


def _write(
    file: Path,
    pixels: np.ndarray,
    valid: np.ndarray,
    source: rasterio.DatasetReader,
    bands: Sequence[int],
    transform: Affine,
) -> None:
    """Write a cloud-optimized GeoTIFF."""
    with (
        write_atomically(file) as unfinished,
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(
            unfinished,
            'w',
            driver='COG',
            compress='deflate',
            blocksize=BLOCK,
            count=len(bands),
            height=pixels.shape[0],
            width=pixels.shape[1],
            dtype=pixels.dtype,
            crs=source.crs,
            transform=transform,
            # For single bands of unstretched values; whole pixels are masked below.
            nodata=source.nodata if pixels.dtype.itemsize > 1 else None,
        ) as tile,
    ):
        tile.write(pixels.transpose(2, 0, 1))
        # GDAL would take the fourth of four bands for alpha.
        tile.colorinterp = [source.colorinterp[band - 1] for band in bands]
        tile.descriptions = [source.descriptions[band - 1] for band in bands]
        if not valid.all():
            # Not a no-data value: dark pixels are 0, too, and valid.
            tile.write_mask(valid)
