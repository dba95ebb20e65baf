"""Looking at files of a folder once, pixel by pixel."""

import base64
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioIOError
from rasterio.windows import Window as RasterWindow

from rsp.errors import UserError
from rsp.geo.footprint import Footprint
from rsp.geo.geometry import unwrap_longitude
from rsp.geo.nodata import nodata_mask, valid_pixels
from rsp.geo.radiometry import Stretch, stretch
from rsp.geo.rasters import WGS84, open_raster
from rsp.geo.scene import Scene, read_scene
from rsp.geo.windows.window import Window
from rsp.prepare.scan.acquisition_date import acquisition_date
from rsp.prepare.scan.band_statistics import BandStatistics
from rsp.prepare.scan.bands import display_bands
from rsp.prepare.scan.perceptual_hash import difference_hash
from rsp.prepare.tile.scenes import data_bands

# Edges, pixels: of the picture that is hashed, and of the one that is shown.
SMALL, THUMBNAIL = 512, 192
# Bytes of the pixels that are held at a time, about.
PIECE = 64 * 2**20
MEASURED = ('stored', 'coloured')


@dataclass(frozen=True)
class Found:
    """One file.

    Attributes:
        path: Below the folder, with forward slashes.
        size: Bytes.
        width, height: Pixels.
        bands: Number of bands that are not alpha.
        dtype: As NumPy names it.
        crs: Reference system; None if the file tells none.
        pixel_size: Of a pixel's edges, in units of the reference system.
        striped: Stored in rows instead of tiles.
        compressed: Whether pixels have to be decoded; in rows, whole ones for a window.
        nodata: How no-data is marked, see `rsp.geo.scene.Scene`.
        nodata_share: Share of pixels without data, 0 to 1, of all pixels.
        scaling: Scale and offset by which stored values become what was measured, as
            the file declares them; all that its bands have.
        date: YYYY-MM-DD, if known.
        display: Numbers, from 1, of the bands shown as red, green and blue.
        display_known: Whether the file tells so.
        outline: Longitudes, going on beyond 180, and latitudes of its corners; None if
            they are not known.
        hash: Of its look, in hex; None for a blank picture.
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
    striped: bool
    compressed: bool
    nodata: str
    nodata_share: float
    scaling: list[list[float]]
    date: str | None
    display: list[int]
    display_known: bool
    outline: list[list[float]] | None
    hash: str | None
    thumbnail: str | None

    @property
    def kind(self) -> str:
        """What files have to share to be trained on together."""
        plural = '' if self.bands == 1 else 's'
        return f'{self.bands} band{plural} of {self.dtype}'


def look(job: Mapping[str, Any]) -> dict[str, Any]:
    """Look at some files.

    Args:
        job: ``root``: the folder; ``names``: files below it; ``pictured``: those that
            get a thumbnail; ``display``: bands that are red, green and blue, None if
            the files are to tell.

    Returns:
        ``found``: a `Found` each, as dicts; ``unreadable``: (path, reason) of the
        others; by kind, statistics of the valid pixels: ``stored``: each band as it is;
        ``coloured``: red, green and blue, stretched to 8 bits by their joint limits.
    """
    found, unreadable = [], []
    totals: dict[str, dict[str, list[BandStatistics]]] = {what: {} for what in MEASURED}
    for name in job['names']:
        try:
            file, measured = _look_at(
                Path(job['root'], name), name, name in job['pictured'], job['display']
            )
        except (ValueError, OSError) as error:
            unreadable.append([name, str(error)])
            continue
        found.append(asdict(file))
        for what, bands in zip(MEASURED, measured, strict=True):
            add_bands(totals[what], file.kind, bands)
    return dict(
        found=found,
        unreadable=unreadable,
        **{
            what: {kind: [b.to_json() for b in bands] for kind, bands in kinds.items()}
            for what, kinds in totals.items()
        },
    )


def add_bands(
    kinds: dict[str, list[BandStatistics]], kind: str, bands: Sequence[BandStatistics]
) -> None:
    """Merge the statistics of a file's bands into those of its kind."""
    totals = kinds.setdefault(kind, [BandStatistics() for _ in bands])
    for total, band in zip(totals, bands, strict=True):
        total.merge(band)


def from_json(written: Mapping[str, Any]) -> Found:
    """A `Found` from a dict, of which further keys are ignored."""
    return Found(**{field.name: written[field.name] for field in fields(Found)})


def _look_at(
    file: Path, name: str, pictured: bool, wanted: list[int] | None
) -> tuple[Found, list[list[BandStatistics]]]:
    with warnings.catch_warnings():
        # Told as a missing reference system.
        warnings.simplefilter('ignore', NotGeoreferencedWarning)
        scene = read_scene(file, name)
        with open_raster(file) as dataset:
            bands = data_bands(dataset)
            if not bands or np.dtype(scene.dtype).kind == 'c' or scene.dtypes_differ:
                raise UserError(
                    f"expected bands of one real type in '{file}', got "
                    f'{", ".join(dataset.dtypes)}; convert or remove it.'
                )
            display, known = display_bands(
                [dataset.colorinterp[b - 1].name for b in bands],
                [dataset.descriptions[b - 1] for b in bands],
            )
            if wanted is not None and max(wanted) <= len(bands):
                display, known = list(wanted), True
            scaling = {(dataset.scales[b - 1], dataset.offsets[b - 1]) for b in bands}
            try:
                measured, valid = _statistics(dataset, scene, bands, display)
                small, seen = _small(dataset, scene, bands)
            except RasterioIOError as error:
                raise UserError(
                    f"cannot read all of '{file}': {error.__cause__ or error}; copy it "
                    'anew or remove it.'
                ) from None
    grey = small.mean(axis=2)
    fingerprint = None
    if seen.any():
        # What is empty must not decide how it looks.
        fingerprint = difference_hash(np.where(seen, grey, grey[seen].mean()))
    canvas = np.zeros((*seen.shape, 3), np.uint8)
    canvas[seen] = _coloured(small[seen], scene, display)
    if len(bands) == 1 and seen.any():
        # One band of 8 bits, such as classes, often uses few of them.
        canvas = canvas * (255 / max(canvas.max(), 1))
    found = Found(
        path=name,
        size=scene.size,
        width=scene.width,
        height=scene.height,
        bands=len(bands),
        dtype=scene.dtype,
        crs=scene.crs,
        pixel_size=None if scene.pixel_size is None else list(scene.pixel_size),
        striped=scene.block[1] == scene.width and scene.block[0] < scene.height,
        compressed=scene.compression is not None,
        nodata=scene.mask,
        nodata_share=1 - valid / (scene.width * scene.height),
        scaling=[list(pair) for pair in sorted(scaling)],
        date=acquisition_date(file.name, scene.tags),
        display=display,
        display_known=known,
        outline=_outline(scene),
        hash=None if fingerprint is None else fingerprint.tobytes().hex(),
        thumbnail=_jpeg(canvas.astype(np.uint8)) if pictured else None,
    )
    return found, measured


def _coloured(values: np.ndarray, scene: Scene, display: list[int]) -> np.ndarray:
    """Red, green and blue in 8 bits, shape (pixels, 3), of values (pixels, C)."""
    chosen = values[:, [band - 1 for band in display]]
    if scene.dtype == 'uint8' or scene.stretch is None:
        return chosen.astype(np.uint8)
    return stretch(chosen[None], Stretch().range_of(scene, display))[0]


def _statistics(
    dataset: rasterio.DatasetReader,
    scene: Scene,
    bands: list[int],
    display: list[int],
) -> tuple[list[list[BandStatistics]], int]:
    """Statistics of all pixels, see `MEASURED`, and the number of valid ones."""
    counts = (len(bands), 3)
    nodata = tuple(scene.nodata[band - 1] for band in bands)
    measured = [[BandStatistics() for _ in range(count)] for count in counts]
    seen = 0
    for rows in _pieces(dataset):
        pixels, valid = _read(dataset, scene, bands, window=rows)
        values = pixels[valid]
        seen += len(values)
        colours = _coloured(values, scene, display)
        blank = nodata_mask(values.T[..., None], nodata)
        pieces = (values, range(len(bands))), (colours, [n - 1 for n in display])
        for total, (piece, numbers) in zip(measured, pieces, strict=True):
            for band, column, number in zip(total, piece.T, numbers, strict=True):
                known = slice(None) if blank is None else ~blank[number, :, 0]
                band.add(column[known])
    return measured, seen


def _pieces(dataset: rasterio.DatasetReader) -> Iterator[RasterWindow]:
    """Whole rows of blocks, so that each is decoded once."""
    block = dataset.block_shapes[0][0]
    row = dataset.width * dataset.count * np.dtype(dataset.dtypes[0]).itemsize
    height = max(PIECE // (row * block), 1) * block
    for top in range(0, dataset.height, height):
        yield RasterWindow(0, top, dataset.width, min(height, dataset.height - top))


def _small(
    dataset: rasterio.DatasetReader, scene: Scene, bands: list[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Averaged pixels (h, w, C) and where they are valid (h, w), `SMALL` at most."""
    shrink = max(max(scene.width, scene.height) / SMALL, 1)
    shape = (max(round(scene.height / shrink), 1), max(round(scene.width / shrink), 1))
    return _read(dataset, scene, bands, out_shape=shape)


def _read(
    dataset: rasterio.DatasetReader,
    scene: Scene,
    bands: list[int],
    out_shape: tuple[int, int] | None = None,
    window: RasterWindow | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    full = None if out_shape is None else (len(bands), *out_shape)
    pixels = dataset.read(
        bands, window=window, out_shape=full, resampling=Resampling.average
    )
    declared = None
    if scene.mask == 'band':
        declared = dataset.dataset_mask(window=window, out_shape=out_shape) > 0
    nodata = tuple(scene.nodata[band - 1] for band in bands)
    valid = valid_pixels(pixels, nodata, declared)
    return np.ascontiguousarray(pixels.transpose(1, 2, 0)), valid


def _outline(scene: Scene) -> list[list[float]] | None:
    affine, crs = scene.affine, scene.reference_system
    if affine is None or crs is None:
        return None
    try:
        ground = Footprint.from_window(affine, crs, Window(0, 0, *scene.shape))
        # Only corners: a page of a thousand curves is a large one.
        (whole,) = unwrap_longitude([ground.to_crs(WGS84)])
        outline = whole.convex_hull.simplify(1e-6).exterior
    except (ValueError, rasterio.errors.CRSError):
        return None
    return [[round(x, 6), round(y, 6)] for x, y in outline.coords]


def _jpeg(picture: np.ndarray) -> str:
    """A small JPEG of red, green and blue (h, w, 3), in base64."""
    shrink = max(picture.shape[:2]) / THUMBNAIL
    if shrink > 1:
        size = [max(round(edge / shrink), 1) for edge in picture.shape[1::-1]]
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(
        '.jpg', picture[..., ::-1].copy(), [cv2.IMWRITE_JPEG_QUALITY, 82]
    )
    return base64.b64encode(data.tobytes()).decode()
