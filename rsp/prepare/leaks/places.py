"""Find ground that georeferenced rasters of two sets share."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rsp.errors import UserError

ENDINGS = ('.tif', '.tiff', '.jp2', '.vrt')
# Share of a test raster's ground below which it is a common edge.
LEAST = 0.01


class Overlap(NamedTuple):
    """Hold two rasters, and the share of the second one's ground on the first."""

    first: str
    second: str
    share: float


def find_overlaps(first: Sequence[str], second: Sequence[str]) -> list[Overlap]:
    """Find rasters of the second set that share ground with the first.

    Args:
        first: Files; those without georeference are left out.
        second: Files; as well.

    Raises:
        UserError: If there are rasters, and rasterio is not installed.
    """
    if not any(file.lower().endswith(ENDINGS) for file in second):
        return []
    try:
        import shapely
    except ImportError as error:
        raise UserError(
            'expected rasterio and shapely for the georeference of rasters: pip '
            "install 'rsp-pretrain[geo]', or leave it out by --no-footprints."
        ) from error
    grounds, tests = dict(_outlines(first)), dict(_outlines(second))
    if not (grounds and tests):
        return []
    names, outlines = [*grounds], [*grounds.values()]
    tree = shapely.STRtree(outlines)
    found = []
    for name, outline in tests.items():
        for number in tree.query(outline, 'intersects'):
            # One place: degrees shrink both alike.
            share = outlines[number].intersection(outline).area / outline.area
            if share >= LEAST:
                found.append(Overlap(names[number], name, float(share)))
    return found


def _outlines(files: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Yield the outlines in degrees of those that are georeferenced."""
    import rasterio
    from rasterio.errors import RasterioError

    from rsp.geo.footprint import Footprint
    from rsp.geo.rasters import WGS84
    from rsp.geo.windows.window import Window

    for file in files:
        if not file.lower().endswith(ENDINGS):
            continue
        try:
            with rasterio.open(Path(file)) as raster:
                crs, transform, shape = raster.crs, raster.transform, raster.shape
            if crs is None:
                continue
            window = Window(0, 0, *shape)
            yield file, Footprint.from_window(transform, crs, window).to_crs(WGS84)
        except (RasterioError, UserError):
            # Unreadable, or tied to no place on the Earth.
            continue
