"""List the rasters of a land-cover map, read their headers and find them by place."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import RasterioIOError

from rsp.errors import MissingData, UserError
from rsp.geo.footprint import Footprint
from rsp.geo.land_cover.class_maps import ClassMap, describe_class_maps, guess_class_map
from rsp.geo.rasters import ENDINGS, georeference, open_raster, rasters_below
from rsp.geo.windows.window import Window
from rsp.io.images.masking import declared_valid, has_mask
from rsp.io.images.rasters import info_of

# Largest edge, in cells, of the reduced raster from which the class map is guessed.
SAMPLE = 512
WORLD = shapely.box(-180, -90, 180, 90)
# Margin as a share of the longer side: sides may bulge between the points followed.
BOX_MARGIN = 0.05


@dataclass(frozen=True)
class LandCoverRaster:
    """Store the header of a land-cover raster.

    Args:
        path: File.
        transform: From cell corners to units of ``crs``.
        crs: Reference system.
        width: Columns.
        height: Rows.
        block_height: Rows of a block of the file.
        band: Number, from 1, of the band of classes; others are alpha.
        alphas: Numbers of the alpha bands.
        masked: Whether alpha or a mask tells cells without data.
        nodata: Value that the file declares as no data.
        colors: Color table, code -> (red, green, blue, alpha).
    """

    path: Path
    transform: Affine
    crs: CRS
    width: int
    height: int
    block_height: int
    band: int
    alphas: tuple[int, ...]
    masked: bool
    nodata: int | None
    colors: dict | None = field(repr=False)

    @property
    def extent(self) -> Footprint:
        """Return the ground that it covers."""
        window = Window(0, 0, self.height, self.width)
        return Footprint.from_window(self.transform, self.crs, window)

    @property
    def beyond_date_line(self) -> bool:
        """Return True if its longitudes go on beyond 180 degrees, east or west."""
        west, _, east, _ = self.extent.polygon.bounds
        cell = abs(self.transform.a)
        return self.crs.is_geographic and not -180 - cell <= west < east <= 180 + cell


def list_rasters(sources: Path | str | Iterable[Path | str]) -> list[Path]:
    """List raster files, in the order given; those below a folder sorted by path.

    Raises:
        MissingData: If one is missing, or a folder holds none.
        UserError: If one has a name that GDAL cannot open.
    """
    found: list[Path] = []
    for source in [sources] if isinstance(sources, (str, Path)) else sources:
        path = Path(source)
        files = rasters_below(path) if path.is_dir() else [path] * path.is_file()
        if not files:
            raise MissingData(
                f"expected a raster or a folder of them at '{path}', found none; "
                f'endings looked for: {", ".join(ENDINGS)}.'
            )
        found += files
    return list(dict.fromkeys(found))


def read_header(path: Path) -> LandCoverRaster:
    """Read the header of a raster of land cover.

    Raises:
        MissingData: If it is missing.
        UserError: If it is no raster, has more than one band, other than integers,
            or lies nowhere on the ground.
    """
    with open_raster(path, expand=False) as data:
        alphas = info_of(data).alpha_bands
        bands = [band for band in data.indexes if band not in alphas]
        types = [data.dtypes[band - 1] for band in bands]
        if len(bands) != 1 or not np.issubdtype(np.dtype(types[0]), np.integer):
            raise UserError(
                f"expected one band of integer classes in '{path}', got {len(bands)} "
                f'of type {", ".join(sorted({*types}))}; a colored picture of a map '
                'will not do, and classes stored as floats are converted by '
                'gdal_translate -ot Byte.'
            )
        transform, crs = georeference(data)
        (band,) = bands
        try:
            colors = data.colormap(band)
        except ValueError:
            colors = None
        nodata = data.nodatavals[band - 1]
        # A fraction or NaN, which a virtual raster may declare, is no code.
        whole = nodata is not None and float(nodata).is_integer()
        return LandCoverRaster(
            path, transform, crs, data.width, data.height,
            data.block_shapes[band - 1][0], band, alphas,
            bool(alphas) or has_mask(data), int(nodata) if whole else None, colors,
        )  # fmt: skip


def read_codes(
    data: rasterio.DatasetReader, raster: LandCoverRaster, **options: Any
) -> tuple[np.ndarray, np.ndarray | None]:
    """Read codes of an open raster, and which cells have data by a mask or alpha.

    Args:
        data: Open raster.
        raster: Its header.
        options: ``window`` and ``out_shape``, of rasterio.

    Returns:
        Codes, shape (H, W), and a bool, shape (H, W); None where nothing is masked,
        which leaves it to the codes.

    Raises:
        UserError: If the file is damaged.
    """
    try:
        codes = data.read(raster.band, **options)
        masked = raster.masked
        valid = declared_valid(data, raster.alphas, **options) if masked else None
        return codes, None if valid is None or valid.all() else valid
    except RasterioIOError as error:
        raise UserError(
            f"cannot read the pixels of '{data.name}' ({error}); is it complete? "
            'Replace it.'
        ) from error


def detect_class_map(rasters: Sequence[LandCoverRaster]) -> str:
    """Return the name of the class map of all rasters.

    Raises:
        UserError: If it is not certain; the message lists codes and class maps.
    """
    found: set[int] = set()
    guesses = []
    for raster in rasters:
        codes = sample_codes(raster)
        found.update(codes)
        guesses.append(guess_class_map(raster.path.stem, raster.colors, codes))
        if guesses[-1] is None or guesses[-1] != guesses[0]:
            raise UserError(
                f"cannot tell the class map of '{raster.path}' with certainty"
                f'{f" (others: {guesses[0]})" if guesses[0] else ""}; name it with '
                f"'class_map' (--class-map), {describe_class_maps(found)}; or a .json "
                'file of code: class.'
            )
    return str(guesses[0])


def sample_codes(raster: LandCoverRaster) -> list[int]:
    """Return the codes of a reduced raster without its nodata value."""
    shape = min(raster.height, SAMPLE), min(raster.width, SAMPLE)
    with open_raster(raster.path, expand=False) as data:
        pixels, valid = read_codes(data, raster, out_shape=shape)
    codes = np.unique(pixels if valid is None else pixels[valid])
    return [int(code) for code in codes if code != raster.nodata]


def nodata_conflicts(
    rasters: Sequence[LandCoverRaster], class_map: ClassMap
) -> list[str]:
    """Return a sentence per nodata value that is a class of the map.

    The class map wins: water is 0 in Dynamic World, a value that many programs declare
    as no data unasked.
    """
    values = {r.nodata for r in rasters if r.nodata in class_map.codes}
    return [
        f'{sum(r.nodata == value for r in rasters)} of {len(rasters)} files declare '
        f'{value} as no data, which is {class_map.codes[value]} in the class map '
        f'"{class_map.name}"; the class map was followed. If it means no data, use '
        f"class_map=dict(base='{class_map.name}', nodata=[{value}])."
        for value in sorted(v for v in values if v is not None)
    ]


class RasterIndex:
    """Find the rasters that a footprint may touch, by boxes in one reference system.

    Args:
        rasters: Rasters; a query returns their positions.
        crs: Reference system; one that all rasters share, or degrees.
    """

    def __init__(self, rasters: Sequence[LandCoverRaster], crs: CRS) -> None:
        self.crs = crs
        boxes = [self._boxes_of(raster.extent) for raster in rasters]
        self._numbers = np.repeat(np.arange(len(boxes)), [len(b) for b in boxes])
        self._tree = shapely.STRtree([box for group in boxes for box in group])

    def query(self, outline: shapely.Geometry) -> list[int]:
        """Return positions, rising, of rasters that may touch an outline in `crs`."""
        return np.unique(self._numbers[self._tree.query(_boxes(outline))[1]]).tolist()

    def _boxes_of(self, extent: Footprint) -> np.ndarray:
        try:
            return _boxes(extent.to_crs(self.crs))
        except UserError:
            return np.array([WORLD])  # Over a pole: any footprint may touch it.


def _boxes(outline: shapely.Geometry) -> np.ndarray:
    """Return boxes around the parts of an outline, two at the date line."""
    west, south, east, north = shapely.bounds(shapely.get_parts(outline)).T
    margin = BOX_MARGIN * np.maximum(east - west, north - south)
    return shapely.box(west - margin, south - margin, east + margin, north + margin)
