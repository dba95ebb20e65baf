"""Cutting scenes into tiles of one size, as GeoKR's authors do, and in their place.

Source: the official cropper. Differences: a tile at the border is georeferenced where
its pixels were read (there up to a tile's width away), every file below the folder is
cut (there none is found, or whole folders are left out), and what fails is reported.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioIOError
from rasterio.windows import Window as RasterWindow

from rsp.errors import UserError
from rsp.geo.nodata import nodata_mask, valid_pixels
from rsp.geo.radiometry import Stretch, stretch
from rsp.geo.rasters import ENDINGS, georeference, open_raster
from rsp.geo.rejection import Rejection
from rsp.geo.scene import Scene, read_scene, stamp
from rsp.geo.scene_index import list_files
from rsp.io.files import outside, write_atomically
from rsp.ops.tiling import tile_offsets
from rsp.prepare.jobs import run_jobs
from rsp.prepare.progress_log import ProgressLog

LOG = 'tiles.jsonl'
BLOCK = 256


@dataclass(frozen=True)
class TileSettings:
    """How scenes are cut; the defaults are GeoKR's.

    Attributes:
        crop_size: Edge of a tile, pixels.
        stride: Pixels between tiles; the last ones end at the scene's border.
        percentiles: Of all bands jointly, which become 0 and 255; what is written keeps
            its values if there are none.
        keep_all: Keep dark, flat and cloudy tiles.
    """

    crop_size: int = 256
    stride: int = 200
    percentiles: tuple[float, float] | None = (1, 99)
    keep_all: bool = False

    def __post_init__(self) -> None:
        if min(self.crop_size, self.stride) < 1:
            raise UserError(
                'expected a crop size and a stride of at least one pixel, got '
                f'{self.crop_size} and {self.stride}.'
            )
        if self.percentiles is not None:
            Stretch(percentiles=self.percentiles)  # Refuses what does not rise.


def tile_scenes(
    scenes: Path,
    out: Path,
    settings: TileSettings,
    scheduler: str | None = None,
    workers: int | None = None,
) -> dict[str, Any]:
    """Cut all scenes of a folder; a second call goes on where the first one ended.

    Tiles are called ``<stem>_<x>_<y>.tif``, x and y being the pixels of the scene where
    they begin, in the same sub-folder as the scene.

    Args:
        scenes: Folder, searched with its sub-folders.
        out: Folder for tiles; empty, or one that a call with these settings began.
        settings: How to cut.
        scheduler: See `run_jobs`.
        workers: See `run_jobs`.

    Returns:
        ``scenes``, ``tiles``: counts; ``rejected``: tiles by reason; ``skipped``:
        reason by scene; ``per_scene``: one dict each.

    Raises:
        FileNotFoundError: If there is no folder of scenes.
        ValueError: If there is no scene that can be cut, if two would write the same
            tiles, if the folder for tiles cannot be written or holds something else, or
            if a scene has changed since it was cut.
    """
    _, files = list_files(scenes, ENDINGS)
    # Tiles below the scenes are none of them: a second call would cut them again.
    files = outside(files, out)
    if not files:
        raise UserError(f"expected scenes in '{scenes}' besides tiles, found none.")
    _refuse_same_names(files)
    log = ProgressLog(out / LOG, asdict(settings), new_folder=True)
    names = [file.relative_to(scenes).as_posix() for file in files]
    jobs = [
        dict(key=name, scenes=str(scenes), out=str(out), settings=asdict(settings))
        for name in names
    ]
    results = run_jobs(
        cut_scene,
        jobs,
        log,
        scheduler=scheduler,
        workers=workers,
        description='cutting',
    )
    skipped = {r['key']: r['error'] for r in results if 'error' in r}
    if len(skipped) == len(results):
        name, error = next(iter(skipped.items()))
        raise UserError(
            f"expected scenes to cut in '{scenes}', got no tile of any of "
            f"{len(results)}; of '{name}': {error}"
        )
    _refuse_changed(scenes, out, results)
    rejected = sum((Counter(r.get('rejected', {})) for r in results), Counter())
    return dict(
        settings=asdict(settings),
        scenes=len(results),
        tiles=sum(result.get('tiles', 0) for result in results),
        rejected=dict(rejected.most_common()),
        skipped=skipped,
        per_scene=[result for result in results if 'error' not in result],
    )


def cut_scene(job: Mapping[str, Any]) -> dict[str, Any]:
    """Write the tiles of one scene.

    Args:
        job: ``key`` (path of the scene below ``scenes``), ``scenes``, ``out`` and
            ``settings``.

    Returns:
        ``tiles``: number written; ``rejected``: number by reason; ``limits``: the
        values that became 0 and 255; ``stamp``: bytes and time of change of the scene.

    Raises:
        FileNotFoundError, ValueError: If the scene cannot be cut.
    """
    settings = TileSettings(**job['settings'])
    file = Path(job['scenes'], job['key'])
    folder = Path(job['out'], job['key']).parent
    folder.mkdir(parents=True, exist_ok=True)
    known = read_scene(file, job['key'])
    counts: Counter[str] = Counter()
    with open_raster(file) as scene:
        transform, _ = georeference(scene)
        if min(scene.width, scene.height) < settings.crop_size:
            raise UserError(
                f'expected at least {settings.crop_size} x {settings.crop_size} pixels '
                f"in '{file}', got {scene.width} x {scene.height}; lower --crop-size."
            )
        bands = data_bands(scene)
        limits = Stretch(percentiles=settings.percentiles or (1.0, 99.0)).range_of(
            known, bands
        )
        nodata = tuple(known.nodata[band - 1] for band in bands)
        for x, y, pixels, valid in _tiles(scene, known, bands, settings):
            shown = stretch(pixels, limits) * valid[..., None]
            mask = nodata_mask(pixels.transpose(2, 0, 1), nodata)
            if mask is not None:
                shown[mask.transpose(1, 2, 0)] = 0
            reason = None if settings.keep_all else Rejection().reason(shown)
            counts[reason or 'written'] += 1
            if reason is None:
                _write(
                    folder / f'{file.stem}_{x}_{y}.tif',
                    shown if settings.percentiles else pixels,
                    valid,
                    scene,
                    transform @ Affine.translation(x, y),
                )
    written = counts.pop('written', 0)
    return dict(
        tiles=written,
        rejected=dict(counts),
        limits=limits[0].tolist(),
        stamp=[known.size, known.mtime_ns],
    )


def _tiles(
    scene: rasterio.DatasetReader,
    known: Scene,
    bands: Sequence[int],
    settings: TileSettings,
) -> Iterator[tuple[int, int, np.ndarray, np.ndarray]]:
    """x, y, pixels (H, W, C) and valid pixels (H, W) of all tiles, row by row."""
    size, stride = settings.crop_size, settings.stride
    nodata = tuple(known.nodata[band - 1] for band in bands)
    for y in tile_offsets(scene.height, size, stride):
        # Whole rows: every block is decoded once or, in the overlap, twice.
        rows = RasterWindow(0, y, scene.width, size)
        try:
            strip = scene.read(bands, window=rows)
            declared = (
                scene.dataset_mask(window=rows) > 0 if known.mask == 'band' else None
            )
        except RasterioIOError as error:
            raise UserError(
                f"cannot read rows {y} to {y + size} of '{scene.name}': "
                f'{error.__cause__ or error}; copy it anew or remove it.'
            ) from None
        valid = valid_pixels(strip, nodata, declared)
        strip = np.ascontiguousarray(strip.transpose(1, 2, 0))
        for x in tile_offsets(scene.width, size, stride):
            yield x, y, strip[:, x : x + size], valid[:, x : x + size]


def data_bands(scene: rasterio.DatasetReader) -> list[int]:
    """Numbers, from 1, of the bands that are not alpha."""
    return [
        band
        for band, meaning in zip(scene.indexes, scene.colorinterp, strict=True)
        if meaning != ColorInterp.alpha
    ]


def _write(
    file: Path,
    pixels: np.ndarray,
    valid: np.ndarray,
    scene: rasterio.DatasetReader,
    transform: Affine,
) -> None:
    """Write a cloud-optimized GeoTIFF."""
    bands = data_bands(scene)
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
            crs=scene.crs,
            transform=transform,
            # Of values as they are; the mask below tells of whole pixels.
            nodata=scene.nodata if pixels.dtype.itemsize > 1 else None,
        ) as tile,
    ):
        tile.write(pixels.transpose(2, 0, 1))
        # GDAL would take the fourth of four bands for alpha.
        tile.colorinterp = [scene.colorinterp[band - 1] for band in bands]
        tile.descriptions = [scene.descriptions[band - 1] for band in bands]
        if not valid.all():
            # Not a no-data value: dark pixels are 0, too, and valid.
            tile.write_mask(valid)


def _refuse_same_names(files: Sequence[Path]) -> None:
    seen: dict[Path, Path] = {}
    for file in files:
        other = seen.setdefault(file.with_suffix(''), file)
        if other != file:
            raise UserError(
                f"expected scenes whose names differ before the ending, got '{other}' "
                f"and '{file}', whose tiles would have the same names; rename one."
            )


def _refuse_changed(scenes: Path, out: Path, results: Sequence[dict]) -> None:
    for result in results:
        if 'error' in result:
            continue
        if result['stamp'] != list(stamp(scenes / result['key'])):
            raise UserError(
                f"'{scenes / result['key']}' is not the file whose tiles lie in "
                f"'{out}': it has changed since; write to another folder."
            )


def describe(summary: Mapping[str, Any]) -> str:
    """What `tile_scenes` did, in lines for a person."""
    lines = [f'{summary["tiles"]} tiles of {summary["scenes"]} scenes']
    lines += [f'  {n} left out: {why}' for why, n in summary['rejected'].items()]
    skipped = list(summary['skipped'].items())
    lines += [f"  skipped '{name}': {why}" for name, why in skipped[:20]]
    if skipped[20:]:
        lines.append(f'  and {len(skipped) - 20} more')
    return '\n'.join(lines)
