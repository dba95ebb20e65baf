"""Scan files: format, outline, statistics and perceptual hash of each."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from rasterio import DatasetReader
from rasterio.errors import CRSError, NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window as RasterWindow

from rsp.errors import UserError
from rsp.geo.bands.choice import bands_of, matching_bands
from rsp.geo.bands.products import baseline_of
from rsp.geo.bands.sensors import Band
from rsp.geo.files.acquisition_date import acquisition_date
from rsp.geo.footprint import Footprint
from rsp.geo.geometry import unwrap_longitude
from rsp.geo.rasters import WGS84, open_raster
from rsp.geo.scene import Scene, read_scene
from rsp.geo.windows.window import Window
from rsp.prepare.scan.band_statistics import BandStatistics
from rsp.prepare.scan.bands import display_bands, is_class_map
from rsp.prepare.scan.perceptual_hash import difference_hash
from rsp.prepare.scan.pixels import (
    encode_thumbnail,
    measure,
    measure_picture,
    read_overview,
)

# Raised by damaged files and by reference systems that PROJ does not know.
READ_ERRORS = (OSError, RasterioError, CRSError)
# Statistics by pixel format: of each band as stored, and of red, green and blue. By
# pixel format and name: of a band that files may have at different places.
STATISTICS = ('stored', 'rgb', 'named')


@dataclass(frozen=True)
class FileInfo:
    """Describe one file.

    Attributes:
        path: Below the folder, with forward slashes.
        size: Bytes.
        width, height: Pixels.
        bands: Number of bands that are not alpha.
        dtype: As NumPy names it.
        crs: Reference system; None if the file has none.
        pixel_size: Lengths of a pixel's edges, in units of the reference system.
        palette: The file holds palette indices, read as red, green and blue.
        translucent: Number of a band that is declared as alpha and holds data; None
            without one.
        bits: That a value of the first band uses.
        tied_by: What ties a file without a transform to the ground and the system to
            warp it to, see `rsp.geo.rasters.tied_by`; None if nothing does.
        striped: Stored in rows instead of tiles.
        compressed: Stored compressed.
        nodata: How no-data is marked, see `rsp.geo.scene.Scene`.
        nodata_share: Share of pixels without data, 0 to 1, of all pixels.
        pixels: Mean of each band, then deviation of each.
        scaling: Pairs of scale and offset, from stored to physical values, that the
            file declares for its bands.
        date: Acquisition date, YYYY-MM-DD; None if not known.
        data_bands: Numbers, as GDAL counts, of the bands that are not alpha.
        names, colors: Of these bands, see `rsp.geo.bands.sensors.Band`.
        count: Number of bands, alpha included.
        pages: Images in the file, of which the first is read.
        is_map: It holds classes rather than measurements.
        baseline: Of Sentinel-2's processing, where the file or its product tells it.
        display: Numbers, as GDAL counts, of the bands shown as red, green and blue.
        display_known: The file or the user declares these bands.
        outline: Longitude, which may go on beyond 180, and latitude of each corner;
            None if not known.
        hash: Perceptual hash in hex; None for a blank picture.
        thumbnail: JPEG in base64; None if not asked for.
    """

    path: str
    size: int
    width: int
    height: int
    bands: int
    dtype: str
    crs: str | None
    pixel_size: list[float] | None
    palette: bool
    translucent: int | None
    bits: int
    tied_by: list[str] | None
    striped: bool
    compressed: bool
    nodata: str
    nodata_share: float
    pixels: list[float]
    scaling: list[list[float]]
    date: str | None
    data_bands: list[int]
    names: list[str | None]
    colors: list[str | None]
    count: int
    pages: int
    is_map: bool
    baseline: str | None
    display: list[int]
    display_known: bool
    outline: list[list[float]] | None
    hash: str | None
    thumbnail: str | None

    @property
    def pixel_format(self) -> str:
        """Return number and type of the bands; a data set takes files of one format."""
        plural = '' if self.bands == 1 else 's'
        of_classes = ' (a map of classes)' if self.is_map else ''
        return f'{self.bands} band{plural} of {self.dtype}{of_classes}'

    @property
    def labels(self) -> tuple[str | None, ...]:
        """Return the label of each band that is not alpha; None where nothing tells."""
        return tuple(band.label for band in self.described_bands)

    @property
    def described_bands(self) -> list[Band]:
        """The bands that are not alpha."""
        facts = zip(self.data_bands, self.names, self.colors, strict=True)
        return [Band(number, name, color) for number, name, color in facts]

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> 'FileInfo':
        """Build it from a dict; ignore further keys."""
        return cls(**{field.name: written[field.name] for field in fields(cls)})


def scan_files(job: Mapping[str, Any]) -> dict[str, Any]:
    """Scan some files as one job.

    Args:
        job: ``root``: the folder; ``names``: files below it; ``pictured``: those that
            get a thumbnail; ``display``: numbers or names of the red, green and blue
            band, None to detect them by file; ``stacks``: file of each scene that has
            none of its own.

    Returns:
        ``files``: a `FileInfo` each, as dicts; ``unreadable``: (path, reason) of the
        others; by pixel format, statistics of the valid pixels: ``stored``: each band;
        ``rgb``: red, green and blue, stretched to 8 bits by their joint limits; of
        pictures, of all pixels as training reads them.
    """
    files, unreadable = [], []
    totals: dict[str, dict[str, list[BandStatistics]]] = {n: {} for n in STATISTICS}
    for name in job['names']:
        try:
            path = Path(job['stacks'].get(name) or Path(job['root'], name))
            file, *measured = _scan_file(
                path, name, name in job['pictured'], job['display']
            )
        except (*READ_ERRORS, UserError) as error:
            unreadable.append([name, str(error)])
            continue
        files.append(asdict(file))
        for key, bands in zip(STATISTICS, measured, strict=False):
            merge_bands(totals[key], file.pixel_format, bands)
        for label, band in zip(file.labels, measured[0], strict=True):
            if label is not None:
                merge_bands(totals['named'], named_key(file, label), [band])
    return dict(files=files, unreadable=unreadable) | {
        key: {f: [band.to_json() for band in bands] for f, bands in total.items()}
        for key, total in totals.items()
    }


def named_key(file: FileInfo, label: str) -> str:
    """Return the key of a band's statistics by name, see `STATISTICS`."""
    return f'{file.pixel_format}: {label}'


def merge_bands(
    totals: dict[str, list[BandStatistics]],
    pixel_format: str,
    bands: Sequence[BandStatistics],
) -> None:
    """Merge statistics of bands into those of their pixel format."""
    sums = totals.setdefault(pixel_format, [BandStatistics() for _ in bands])
    for total, band in zip(sums, bands, strict=True):
        total.merge(band)


def _scan_file(
    file: Path, name: str, pictured: bool, chosen: list[int | str] | None
) -> tuple[FileInfo, list[BandStatistics], list[BandStatistics]]:
    with warnings.catch_warnings():
        # Reported as a missing reference system.
        warnings.simplefilter('ignore', NotGeoreferencedWarning)
        scene = read_scene(file, name)
        with open_raster(file) as dataset:
            bands = list(scene.data_bands)
            if np.dtype(scene.dtype).kind == 'c' or scene.dtypes_differ:
                raise UserError(
                    f"expected bands of one real type in '{file}', got "
                    f'{", ".join(dataset.dtypes)}; convert or remove it.'
                )
            described = [b for b in bands_of(scene) if b.number in bands]
            display, known = display_bands(described)
            asked = chosen and _find(described, chosen)
            if asked:
                display, known = asked, True
            scaling = {(dataset.scales[b - 1], dataset.offsets[b - 1]) for b in bands}
            stored, rgb, num_valid = measure(dataset, scene, bands, display)
            overview, valid = read_overview(dataset, scene, bands)
            is_map = _is_map(dataset, scene, bands, stored)
    outline = _outline(scene)
    if is_picture(scene.dtype, len(bands), outline):
        rgb = measure_picture(file) or rgb
    gray, fingerprint = overview.mean(axis=2), None
    if valid.any():
        # Files must not look alike by their pixels without data.
        fingerprint = difference_hash(np.where(valid, gray, gray[valid].mean()))
    info = FileInfo(
        path=name,
        size=_size(file, scene),
        width=scene.width,
        height=scene.height,
        bands=len(bands),
        dtype=scene.dtype,
        crs=scene.crs,
        pixel_size=None if scene.pixel_size is None else list(scene.pixel_size),
        palette=scene.palette,
        translucent=scene.translucent,
        bits=scene.bits,
        tied_by=None if scene.tied_by is None else list(scene.tied_by),
        striped=scene.block[1] == scene.width and scene.block[0] < scene.height,
        compressed=scene.compression is not None,
        nodata=scene.mask,
        nodata_share=1 - num_valid / (scene.width * scene.height),
        pixels=[band.mean for band in stored] + [band.std for band in stored],
        scaling=[list(pair) for pair in sorted(scaling)],
        date=acquisition_date(file.name, scene.tags),
        data_bands=bands,
        names=[band.name for band in described],
        colors=[band.color for band in described],
        count=scene.bands,
        pages=scene.pages,
        is_map=is_map,
        baseline=scene.tags.get('PROCESSING_BASELINE') or baseline_of(name),
        display=display,
        display_known=known,
        outline=outline,
        hash=None if fingerprint is None else fingerprint.tobytes().hex(),
        thumbnail=(
            encode_thumbnail(overview, valid, scene, bands, display)
            if pictured
            else None
        ),
    )
    return info, stored, rgb


def is_picture(dtype: str, bands: int, outline: Any) -> bool:
    """Return whether a file is read whole as an image, rather than as a scene."""
    return dtype == 'uint8' and bands in (1, 3) and not outline


def _find(bands: Sequence[Band], chosen: Sequence[int | str]) -> list[int] | None:
    """Return the numbers of the chosen bands, None if one is not there."""
    numbers = []
    for name in chosen:
        found = [b for b in bands if b.number == name]
        if isinstance(name, str):
            found = matching_bands(bands, name)
        if len(found) != 1:
            return None
        numbers.append(found[0].number)
    return numbers


def _is_map(
    dataset: DatasetReader,
    scene: Scene,
    bands: Sequence[int],
    stored: Sequence[BandStatistics],
) -> bool:
    """Return whether a georeferenced file holds classes, by palette or by values."""
    if scene.affine is None or scene.crs is None:
        return False
    if len(bands) > 1 and not scene.palette:
        return False
    height, width = min(scene.height, 256), min(scene.width, 256)
    top, left = (scene.height - height) // 2, (scene.width - width) // 2
    part = dataset.read(bands, window=RasterWindow(left, top, width, height))
    if not scene.palette:
        return is_class_map(part[0], len(stored[0].bins))
    # Photographs are stored with palettes, too; one number for each color.
    colors = part.astype(np.int64) * 256 ** np.arange(len(bands))[:, None, None]
    indices = colors.sum(axis=0)
    return is_class_map(indices, len(np.unique(indices)))


def _size(file: Path, scene: Scene) -> int:
    """Return the bytes of a file and of those that it reads."""
    sources = [file.parent / source for source in scene.sources]
    return scene.size + sum(path.stat().st_size for path in sources if path.is_file())


def _outline(scene: Scene) -> list[list[float]] | None:
    affine, crs = scene.affine, scene.reference_system
    if affine is None or crs is None:
        return None
    try:
        ground = Footprint.from_window(affine, crs, Window(0, 0, *scene.shape))
        # Corners only: curves of a thousand files would make the report large.
        (whole,) = unwrap_longitude([ground.to_crs(WGS84)])
        outline = whole.convex_hull.simplify(1e-6).exterior
    except (UserError, CRSError):
        return None
    return [[round(x, 6), round(y, 6)] for x, y in outline.coords]
