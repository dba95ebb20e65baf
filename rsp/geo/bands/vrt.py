"""Describe files of one band each as one scene, by GDAL's virtual rasters (VRT).

A scene of such files is a small ``.vrt`` in the cache of the user, ``RSP_CACHE`` or
``~/.cache/rsp``; GDAL, and so all of the project, reads it as any other file. It
reads one for each band, which undoes offsets and declares no-data before resampling.
All are written anew where they are missing.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from affine import Affine
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, MaskFlags

from rsp.errors import UserError
from rsp.geo.bands.choice import BandChoice
from rsp.geo.bands.names import band_code
from rsp.geo.bands.products import (
    UNKNOWN,
    landsat_scaling,
    mtl_file,
    offsets_of_baseline,
    sentinel2_offsets,
)
from rsp.geo.bands.sensors import SENSORS, SENTINEL2_SCALE
from rsp.geo.bands.stacks import Part, Stack, find_stacks
from rsp.geo.rasters import open_raster
from rsp.io.cache import cache_folder
from rsp.io.files import write_atomically

# Of the files in the cache.
VERSION = 1
_GDAL_TYPES = dict(
    uint8='Byte',
    int8='Int8',
    uint16='UInt16',
    int16='Int16',
    uint32='UInt32',
    int32='Int32',
    float32='Float32',
    float64='Float64',
)


@dataclass(frozen=True)
class _Source:
    """Store the header of a file of one band, and what becomes of its values."""

    part: Part
    width: int
    height: int
    transform: Affine
    crs: CRS | None
    dtype: str
    nodata: float | None
    masked: bool
    scale: float
    offset: float
    add: float = 0.0

    @property
    def pixel(self) -> float:
        return abs(self.transform.a)

    @property
    def corners(self) -> np.ndarray:
        low = self.transform @ (0, 0)
        high = self.transform @ (self.width, self.height)
        return np.array([*low, *high])


@dataclass(frozen=True)
class SceneFiles:
    """Store which file is read for each scene.

    Attributes:
        paths: By the scene's name below the folder, sorted; or URLs by themselves.
        parts: Files of each scene that is a stack, by its name.
        broken: Why a stack cannot be read, by its name.
        others: Files of stacks' products that are no bands, and so no scenes.
    """

    paths: Mapping[str, Path | str]
    parts: dict[str, list[Path]] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()


def scene_files(
    root: Path, files: Sequence[Path], choice: BandChoice | None = None
) -> SceneFiles:
    """Return the file of each scene: its own, or that of a stack.

    Args:
        root: Folder that the names are relative to.
        files: Below it.
        choice: Whether and how files of one band each are stacked.

    Raises:
        UserError: If no cache can be written.
    """
    choice = choice or BandChoice()
    paths = {file.relative_to(root).as_posix(): file for file in files}
    stacks = find_stacks(root, files) if choice.stack else []
    parts: dict[str, list[Path]] = {}
    broken, others = {}, []
    with ThreadPoolExecutor() as pool:
        made = pool.map(lambda stack: _try(stack, choice), stacks)
        for stack, result in zip(stacks, made, strict=True):
            if result is None:
                continue
            gone = [part.file for part in stack.parts] + list(stack.others)
            for file in gone:
                paths.pop(file.relative_to(root).as_posix(), None)
            others += [file.relative_to(root).as_posix() for file in stack.others]
            if isinstance(result, Path):
                paths[stack.name] = result
                parts[stack.name] = [part.file for part in stack.parts]
            else:
                broken[stack.name] = result
    return SceneFiles(
        dict(sorted(paths.items())), parts, broken, tuple(sorted(set(others)))
    )


def _try(stack: Stack, choice: BandChoice) -> Path | str | None:
    try:
        return stack_file(stack, choice)
    except UserError as error:
        return str(error)


def stack_file(stack: Stack, choice: BandChoice) -> Path | None:
    """Return the file of a stack in the cache, written if it is missing.

    Its name follows from the files' names, sizes and times of change and from the
    options, so that a changed file gives another one.

    Args:
        stack: Files that may be one scene.
        choice: Pixel size, resampling, and what to do about baselines.

    Returns:
        A ``.vrt``; None if the files are no bands of one scene: they have several
        bands, a palette, or other ground.

    Raises:
        UserError: If a file cannot be read, or no cache be written.
    """
    facts = [(os.path.abspath(f), *_stat(f)) for f in stack.files]
    text = repr((VERSION, facts, choice.stack_options()))
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    title = re.sub(r'[^\w.-]', '_', stack.name.rsplit('/', 1)[-1])[:100]
    file = cache_folder('stacks') / f'{title}-{digest}.vrt'
    refused = file.with_suffix('.none')
    if file.is_file():
        return file
    if refused.is_file():
        return None
    sources = _open_all(stack, choice)
    if sources is None:
        _write(refused, '')
        return None
    _write(file, _describe(sources, stack, choice, file))
    return file


def _write(file: Path, text: str) -> None:
    with write_atomically(file) as unfinished:
        unfinished.write_text(text, encoding='utf-8')
        # The same on every machine, so that an index can be shared.
        os.utime(unfinished, (10**9, 10**9))


def _open_all(stack: Stack, choice: BandChoice) -> list[_Source] | None:
    found = [source for part in stack.parts if (source := _open(part)) is not None]
    if len(found) < len(stack.parts) or not _same_ground(found):
        return None
    return found


def _describe(
    sources: list[_Source], stack: Stack, choice: BandChoice, file: Path
) -> str:
    """Describe a stack as the text of a VRT; write what it reads beside it."""
    sources, baseline = _with_radiometry(sources, stack, choice)
    chosen, pixel = _at_pixel_size(sources, choice.pixel_size, stack)
    tags = {} if stack.sensor is None else dict(SPACECRAFT_ID=stack.sensor)
    if baseline is not None:
        tags['PROCESSING_BASELINE'] = baseline
    inner = {}
    for number, source in enumerate(chosen):
        inner[source.part.band] = file.with_name(f'{file.stem}.{number}.vrt')
        _write(inner[source.part.band], _inner(source))
    dtype = np.result_type(*(source.dtype for source in chosen)).name
    return _vrt(chosen, inner, _grid(chosen, pixel), dtype, tags, choice.resampling)


def _open(part: Part) -> _Source | None:
    with open_raster(part.file) as dataset:
        interpretation = dataset.colorinterp[0]
        kind = np.dtype(dataset.dtypes[0]).kind
        turned = dataset.transform.b or dataset.transform.d
        if (
            dataset.count != 1
            or interpretation in (ColorInterp.palette, ColorInterp.alpha)
            or kind == 'c'
            or dataset.dtypes[0] not in _GDAL_TYPES
            or turned
        ):
            return None
        return _Source(
            part,
            dataset.width,
            dataset.height,
            dataset.transform,
            dataset.crs,
            dataset.dtypes[0],
            dataset.nodatavals[0],
            MaskFlags.per_dataset in dataset.mask_flag_enums[0],
            dataset.scales[0],
            dataset.offsets[0],
        )


def _same_ground(sources: Sequence[_Source]) -> bool:
    """Return whether files lie at one place, up to a pixel of the coarsest."""
    first = sources[0]
    if any(source.crs != first.crs for source in sources):
        return False
    corners = np.stack([source.corners for source in sources])
    coarsest = max(source.pixel for source in sources)
    return bool((np.ptp(corners, axis=0) <= coarsest * 1.001).all())


def _with_radiometry(
    sources: list[_Source], stack: Stack, choice: BandChoice
) -> tuple[list[_Source], str | None]:
    """Add no-data, scale and offset that a product has by its own rules."""
    baseline = None
    if stack.sensor == 'sentinel-2':
        path = stack.parts[0].file.as_posix()
        baseline, offsets = sentinel2_offsets(stack.folder, path)
        if offsets is None and choice.baseline.isdigit():
            baseline = choice.baseline
            offsets = offsets_of_baseline(baseline)
        if offsets is None:
            baseline, offsets = UNKNOWN, {}
        undo = choice.baseline != 'keep'
        changed = []
        for source in sources:
            if not source.dtype.startswith(('uint16', 'int16')):
                changed.append(source)
                continue
            added = offsets.get(band_code(source.part.band) or '', 0.0)
            scale, offset = SENTINEL2_SCALE, 0.0 if undo else added * SENTINEL2_SCALE
            if (source.scale, source.offset) != (1, 0):
                scale = source.scale
                # What the file declares undoes the same 1000.
                offset = source.offset - (added * source.scale if undo else 0)
            nodata = 0.0 if source.nodata is None else source.nodata
            changed.append(
                replace(
                    source,
                    nodata=nodata,
                    scale=scale,
                    offset=offset,
                    add=added if undo else 0.0,
                )
            )
        return changed, baseline
    if (stack.sensor or '').startswith('landsat'):
        file = stack.parts[0].file
        names = [source.part.band for source in sources]
        told = landsat_scaling(mtl_file(file, stack.prefix), stack.prefix, names)
        is_product = bool(re.match(r'L\w\d\d_L[12]', stack.prefix))
        return [
            replace(
                source,
                nodata=0.0 if source.nodata is None and is_product else source.nodata,
                scale=told[source.part.band][0],
                offset=told[source.part.band][1],
            )
            if source.part.band in told and (source.scale, source.offset) == (1, 0)
            else source
            for source in sources
        ], None
    return sources, None


def _at_pixel_size(
    sources: Sequence[_Source], pixel: float | None, stack: Stack
) -> tuple[list[_Source], float]:
    """Choose a file per band, and the pixel size of the stack."""
    by_band: dict[str, list[_Source]] = {}
    for source in sources:
        by_band.setdefault(source.part.band, []).append(source)
    if pixel is None:
        spectral = [s for s in sources if not _is_pan(s.part.band, stack.sensor)]
        pixel = min(source.pixel for source in spectral or sources)
    chosen = []
    for same in by_band.values():
        # Its own pixels if they are there, else from the finest.
        exact = [s for s in same if np.isclose(s.pixel, pixel)]
        chosen.append((exact or sorted(same, key=lambda s: s.pixel))[0])
    return chosen, float(pixel)


def _is_pan(band: str, sensor: str | None) -> bool:
    if band.lower() in ('pan', 'panchromatic'):
        return True
    known = SENSORS[sensor].bands.values() if sensor else ()
    code = band_code(band)
    return any(b.color == 'pan' and band_code(b.name) == code for b in known if code)


def _grid(sources: Sequence[_Source], pixel: float) -> tuple[int, int, Affine]:
    """Return width, height and transform of a stack."""
    nearest = min(sources, key=lambda s: abs(s.pixel - pixel))
    transform = nearest.transform
    shrink = pixel / nearest.pixel
    if np.isclose(shrink, 1):
        return nearest.width, nearest.height, transform
    width = max(round(nearest.width / shrink), 1)
    height = max(round(nearest.height / shrink), 1)
    return width, height, transform @ Affine.scale(shrink)


def _stat(file: Path) -> tuple[int, int]:
    stat = file.stat()
    return stat.st_size, stat.st_mtime_ns


def _vrt(
    sources: Sequence[_Source],
    inner: dict[str, Path],
    grid: tuple[int, int, Affine],
    dtype: str,
    tags: dict[str, str],
    resampling: str,
) -> str:
    width, height, transform = grid
    lines = [f'<VRTDataset rasterXSize="{width}" rasterYSize="{height}">']
    if sources[0].crs is not None:
        lines.append(f'<SRS>{escape(sources[0].crs.to_wkt())}</SRS>')
    numbers = ', '.join(map(repr, map(float, transform.to_gdal())))
    lines.append(f'<GeoTransform>{numbers}</GeoTransform>')
    entries = ''.join(f'<MDI key="{k}">{escape(v)}</MDI>' for k, v in tags.items())
    lines.append(f'<Metadata>{entries}</Metadata>')
    for number, source in enumerate(sources, start=1):
        nodata = '' if source.nodata is None else f'{source.nodata!r}'
        method = resampling
        if resampling == 'nearest' and source.pixel < abs(transform.a) * 0.999:
            method = 'average'
        # Where the source's corners lie on the grid, in its pixels.
        left, top = ~transform @ (source.transform @ (0, 0))
        right, bottom = ~transform @ (source.transform @ (source.width, source.height))
        lines += [
            f'<VRTRasterBand dataType="{_GDAL_TYPES[dtype]}" band="{number}">',
            f'<Description>{escape(source.part.band)}</Description>',
            f'<NoDataValue>{nodata}</NoDataValue>' if nodata else '',
            f'<Offset>{source.offset!r}</Offset><Scale>{source.scale!r}</Scale>',
            f'<ComplexSource resampling="{method}">',
            f'<SourceFilename relativeToVRT="0">{_path(inner[source.part.band])}'
            '</SourceFilename><SourceBand>1</SourceBand>',
            f'<SrcRect xOff="0" yOff="0" xSize="{source.width}" '
            f'ySize="{source.height}"/>',
            f'<DstRect xOff="{_near(left)!r}" yOff="{_near(top)!r}" '
            f'xSize="{_near(right - left)!r}" ySize="{_near(bottom - top)!r}"/>',
            f'<NODATA>{nodata}</NODATA>' if nodata else '',
            '</ComplexSource></VRTRasterBand>',
        ]
    masked = next((source for source in sources if source.masked), None)
    if masked is not None:
        lines += [
            '<MaskBand><VRTRasterBand dataType="Byte"><SimpleSource>'
            f'<SourceFilename relativeToVRT="0">{_path(masked.part.file)}'
            '</SourceFilename><SourceBand>mask,1</SourceBand>'
            f'<SrcRect xOff="0" yOff="0" xSize="{masked.width}" '
            f'ySize="{masked.height}"/>'
            f'<DstRect xOff="0" yOff="0" xSize="{width}" ySize="{height}"/>'
            '</SimpleSource></VRTRasterBand></MaskBand>'
        ]
    return '\n'.join([line for line in lines if line] + ['</VRTDataset>\n'])


def _inner(source: _Source) -> str:
    """Describe one file with its no-data value, and an offset undone.

    Resampling then leaves out pixels without data, also where the file declares none.
    """
    nodata = '' if source.nodata is None else f'{source.nodata!r}'
    table = ''
    if source.add:
        # No-data stays; what would fall to 0 or below becomes 1, the least value.
        low, high = 1 - source.add, float(np.iinfo(source.dtype).max)
        table = f'<LUT>1:1,{low:g}:1,{high:.0f}:{high + source.add:.0f}</LUT>'
    return (
        f'<VRTDataset rasterXSize="{source.width}" rasterYSize="{source.height}">'
        f'<VRTRasterBand dataType="{_GDAL_TYPES[source.dtype]}" band="1">'
        + (f'<NoDataValue>{nodata}</NoDataValue>' if nodata else '')
        + '<ComplexSource><SourceFilename relativeToVRT="0">'
        + _path(source.part.file)
        + '</SourceFilename><SourceBand>1</SourceBand>'
        + (f'<NODATA>{nodata}</NODATA>' if nodata else '')
        + f'{table}</ComplexSource></VRTRasterBand></VRTDataset>'
    )


def _path(file: Path) -> str:
    return escape(os.path.abspath(file))


def _near(number: float) -> float:
    """Round what division left of a whole number."""
    whole = round(number)
    return float(whole) if abs(number - whole) < 1e-6 else number
