"""The rasters of a land-cover map: which there are, where they lie, what they hold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import RasterioIOError

from rsp.errors import MissingData, UserError
from rsp.geo.footprint import Footprint
from rsp.geo.land_cover.class_maps import ClassMap, describe_class_maps, guess_class_map
from rsp.geo.rasters import ENDINGS, georeference, open_raster, rasters_below

# Edge of the picture of a raster that its class map is guessed from, in cells.
SAMPLE = 512


@dataclass(frozen=True)
class CoverRaster:
    """What has to be known of a raster without opening it again.

    Args:
        path: File.
        transform: From cell corners to units of ``crs``.
        crs: Reference system.
        width: Columns.
        height: Rows.
        block_height: Rows of a block of the file.
        no_data: The value that the file declares as no data.
        colors: Its color table.
    """

    path: Path
    transform: Affine
    crs: CRS
    width: int
    height: int
    block_height: int
    no_data: int | None
    colors: dict | None = field(repr=False)

    @property
    def extent(self) -> Footprint:
        """The ground it covers."""
        window = (0, 0, self.width, self.height)
        return Footprint.of_window(self.transform, self.crs, window)

    @property
    def beyond_date_line(self) -> bool:
        """Whether it counts longitudes on beyond 180 degrees, east or west."""
        west, _, east, _ = self.extent.polygon.bounds
        cell = abs(self.transform.a)
        return self.crs.is_geographic and not -180 - cell <= west < east <= 180 + cell


def list_rasters(sources: Path | str | Iterable[Path | str]) -> list[Path]:
    """Raster files, in the order given; those below a folder sorted by path.

    Raises:
        FileNotFoundError: If one is missing, or a folder holds none.
        ValueError: If one has a name that GDAL cannot open.
    """
    found: list[Path] = []
    for source in [sources] if isinstance(sources, (str, Path)) else sources:
        path = Path(source)
        if path.is_dir():
            files = rasters_below(path)
        else:
            files = [path] if path.is_file() else []
        if not files:
            raise MissingData(
                f"expected a raster or a folder of them at '{path}', found none; "
                f'endings looked for: {", ".join(ENDINGS)}.'
            )
        found += files
    return list(dict.fromkeys(found))


def describe_raster(path: Path) -> CoverRaster:
    """Read the header of a raster of land cover.

    Raises:
        FileNotFoundError: If it is missing.
        ValueError: If it is no raster, has more than one band, other than integers,
            or lies nowhere on the ground.
    """
    with open_raster(path) as data:
        if data.count != 1 or not np.issubdtype(np.dtype(data.dtypes[0]), np.integer):
            raise UserError(
                f"expected one band of integer classes in '{path}', got {data.count} "
                f'of type {data.dtypes[0]}; a coloured picture of a map will not do, '
                'and classes stored as floats are converted by gdal_translate -ot Byte.'
            )
        transform, crs = georeference(data)
        try:
            colors = data.colormap(1)
        except ValueError:
            colors = None
        no_data = None if data.nodata is None else int(data.nodata)
        return CoverRaster(
            path, transform, crs, data.width, data.height, data.block_shapes[0][0],
            no_data, colors,
        )  # fmt: skip


def sample_codes(raster: CoverRaster) -> list[int]:
    """Codes that a reduced picture of a raster shows, its no-data value left out.

    Raises:
        ValueError: If the file is damaged.
    """
    shape = min(raster.height, SAMPLE), min(raster.width, SAMPLE)
    try:
        with open_raster(raster.path) as data:
            codes = np.unique(data.read(1, out_shape=shape))
    except RasterioIOError as error:
        raise damaged(raster.path, error) from error
    return [int(code) for code in codes if code != raster.no_data]


def certain_class_map(rasters: Sequence[CoverRaster]) -> str:
    """The class map that all rasters certainly have.

    Raises:
        ValueError: If it is not certain, with the class maps and the codes found.
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


def contradictions(rasters: Sequence[CoverRaster], class_map: ClassMap) -> list[str]:
    """Files whose no-data value is a class of the map, as sentences.

    The class map is followed there: Dynamic World's water is 0, which many programs
    write as no data, too.
    """
    values = {r.no_data for r in rasters if r.no_data in class_map.codes}
    return [
        f'{sum(r.no_data == value for r in rasters)} of {len(rasters)} files declare '
        f'{value} as no data, which is {class_map.codes[value]} in the class map '
        f'"{class_map.name}"; the class map was followed. If it means no data, use '
        f"class_map=dict(base='{class_map.name}', nodata=[{value}])."
        for value in sorted(v for v in values if v is not None)
    ]


def damaged(path: Path | str, error: Exception) -> UserError:
    """The error of a raster whose pixels cannot be read."""
    return UserError(
        f"cannot read the pixels of '{path}' ({error}); is it complete? Replace it."
    )
