"""A picture of scenes over the land cover that labels them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from rasterio.crs import CRS
from rasterio.windows import Window as RasterWindow

from rsp.errors import UserError
from rsp.geo.footprint import Footprint
from rsp.geo.geometry import transformer, unwrap_longitude
from rsp.geo.land_cover.class_maps import NODATA_INDEX, UNKNOWN_INDEX
from rsp.geo.land_cover.rasters import LandCoverRaster, read_codes
from rsp.geo.land_cover.zonal import LandCover
from rsp.geo.rasters import WGS84, georeference, open_raster
from rsp.geo.windows.window import Window
from rsp.ops.fractions import LAND_COVER_CLASSES

# In the order of the classes; no data and unknown codes behind them.
COLOURS = (
    '#e8c46a', '#2e7d32', '#a5d36b', '#b08d57', '#4db6ac', '#2f7ed8', '#c5b8d9',
    '#d32f2f', '#c9bfb2', '#ffffff', '#1b4f8f', '#eeeeee', '#ff00ff',
)  # fmt: skip
UNLABELLED = '#b00020'
NAMES = (*LAND_COVER_CLASSES, 'no data', 'unknown code')
LONG_SIDE = 1000
MOST_SCENES = 2000
# Source pixels read per raster and side, so that a continent does not fill the memory.
MOST_PIXELS = 2048


def draw_map(
    land_cover: LandCover,
    scenes: Path,
    names: Sequence[str],
    labelled: Collection[str],
    out: Path,
) -> int:
    """Draw footprints of scenes over the land cover, north up.

    In metres where all scenes share a projected system, else in degrees. Of very many
    scenes an even choice is drawn; a scene of a few dots becomes a cross; one without
    any label is red.

    Args:
        land_cover: Map.
        scenes: Folder.
        names: Images below it.
        labelled: Those with a label.
        out: File of the picture, png.

    Returns:
        Scenes drawn; 0, and no picture, if none has a footprint.
    """
    step = -(-len(names) // MOST_SCENES)
    footprints = dict(_footprints(scenes, names[::step]))
    systems = {footprint.crs for footprint in footprints.values()}
    system = systems.pop() if len(systems) == 1 else WGS84
    outlines = dict(_outlines(footprints, system))
    if not outlines:
        return 0
    if system.is_geographic:
        whole = unwrap_longitude([*outlines.values()])
        outlines = dict(zip(outlines, whole, strict=True))
    extent = _extent([*outlines.values()])
    places = sample(land_cover, system, extent)
    figure, axes = _figure(extent, system)
    palette = np.array([to_rgb(colour) for colour in COLOURS])
    west, south, east, north = extent
    axes.imshow(
        palette[places], extent=(west, east, south, north), interpolation='nearest'
    )
    for name, outline in outlines.items():
        _draw_outline(axes, outline, name in labelled, extent)
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    _explain(axes, places, sum(name not in labelled for name in outlines))
    shown = f'{len(outlines)} of ' if len(outlines) < len(names) else ''
    axes.set_title(
        f'{shown}{len(names)} scene{"s" * (len(names) != 1)} over '
        f'{land_cover.class_map.name}',
        loc='left',
    )
    figure.savefig(out, dpi=110, bbox_inches='tight', pad_inches=0.15)
    return len(outlines)


def sample(
    land_cover: LandCover, system: CRS, extent: tuple[float, float, float, float]
) -> np.ndarray:
    """Class at the middle of each dot of a picture, the nearest cell of a raster.

    Args:
        land_cover: Map.
        system: Of the picture.
        extent: West, south, east and north of the picture; in degrees, longitudes may
            go on beyond 180.

    Returns:
        Place of the class as in `ClassMap.classify`, shape (H, W), north up.
    """
    west, south, east, north = extent
    dot = max(east - west, north - south) / LONG_SIDE
    x = np.arange(west + dot / 2, east, dot)
    y = np.arange(north - dot / 2, south, -dot)
    grid = np.stack(np.meshgrid(x, y))  # (2, H, W)
    places = np.full(grid.shape[1:], NODATA_INDEX)
    for raster in land_cover.rasters:
        empty = places == NODATA_INDEX
        if not empty.any():
            break
        places[empty] = _look_up(land_cover, raster, system, grid[:, empty])
    return places


def _look_up(
    land_cover: LandCover, raster: LandCoverRaster, system: CRS, points: np.ndarray
) -> np.ndarray:
    """Class of each point, shape (K,), from a reduced picture of a raster."""
    x, y = points
    if raster.crs != system:
        x, y = transformer(system, raster.crs).transform(x, y)
    # Where a projection does not reach, pyproj gives infinity.
    with np.errstate(invalid='ignore'):
        if raster.crs.is_geographic:
            west = raster.extent.polygon.bounds[0]
            x = west + np.mod(x - west, 360)
        column, row = np.floor(np.array(~raster.transform @ (x, y)))
    inside = (column >= 0) & (column < raster.width)
    inside &= (row >= 0) & (row < raster.height)
    result = np.full(len(inside), NODATA_INDEX)
    if not inside.any():
        return result
    column, row = column[inside].astype(int), row[inside].astype(int)
    left, top = column.min(), row.min()
    width, height = column.max() - left + 1, row.max() - top + 1
    reduced = min(width, MOST_PIXELS), min(height, MOST_PIXELS)
    try:
        with open_raster(raster.path) as data:
            window = RasterWindow(left, top, width, height)
            pixels = read_codes(data, window=window, out_shape=reduced[::-1])
    except UserError:
        return result  # The labels have said so already; the picture can do without.
    column = (column - left) * reduced[0] // width
    row = (row - top) * reduced[1] // height
    codes, indices = np.unique(pixels[row, column], return_inverse=True)
    result[inside] = land_cover.classify(raster, codes)[indices]
    return result


def _footprints(folder: Path, names: Iterable[str]) -> Iterator[tuple[str, Footprint]]:
    for name in names:
        try:
            with open_raster(folder / name) as data:
                window = Window(0, 0, *data.shape)
                yield name, Footprint.from_window(*georeference(data), window)
        except (ValueError, FileNotFoundError):
            continue  # Listed in the report.


def _outlines(
    footprints: Mapping[str, Footprint], system: CRS
) -> Iterator[tuple[str, shapely.Geometry]]:
    for name, footprint in footprints.items():
        try:
            yield name, footprint.to_crs(system)
        except ValueError:
            continue  # Over a pole: no outline in a map in degrees.


def _extent(outlines: list[shapely.Geometry]) -> tuple[float, float, float, float]:
    """Bounds of all outlines with a margin, not thinner than 1 to 3."""
    west, south, east, north = shapely.total_bounds(outlines)
    long = max(east - west, north - south)
    width = max(east - west, long / 3) + 0.12 * long
    height = max(north - south, long / 3) + 0.12 * long
    x, y = (west + east) / 2, (south + north) / 2
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _figure(
    extent: tuple[float, float, float, float], system: CRS
) -> tuple[Figure, Axes]:
    west, south, east, north = extent
    # A degree of longitude is shorter than one of latitude.
    latitude = np.clip((south + north) / 2, -80, 80)
    aspect = 1 / np.cos(np.radians(latitude)) if system.is_geographic else 1.0
    shape = (north - south) * aspect / (east - west)
    width = 9 if shape < 0.8 else 7.2 / shape
    figure = Figure(figsize=(width, width * shape))
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(aspect=aspect)
    unit = 'degrees' if system.is_geographic else (system.linear_units or 'metres')
    name = system.to_string()[:40]
    axes.set_xlabel(f'east, {unit.replace("metre", "metres")} ({name})')
    axes.set_ylabel('north')
    axes.ticklabel_format(useOffset=False, style='plain')
    axes.locator_params(axis='x', nbins=5)
    return figure, axes


def _draw_outline(
    axes: Axes,
    outline: shapely.Geometry,
    labelled: bool,
    extent: tuple[float, float, float, float],
) -> None:
    halo = [withStroke(linewidth=3, foreground='white')]
    style: Any = dict(color='black' if labelled else UNLABELLED, path_effects=halo)
    west, south, east, north = outline.bounds
    if max(east - west, north - south) < (extent[2] - extent[0]) / 150:
        axes.plot((west + east) / 2, (south + north) / 2, '+', **style)
        return
    for part in shapely.get_parts(outline):
        axes.plot(*part.exterior.xy, lw=1.2, **style)


def _explain(axes: Axes, places: np.ndarray, unlabelled: int) -> None:
    """The classes that the picture shows, the most frequent first."""
    number = np.bincount(places.ravel(), minlength=len(NAMES))
    classes = number[: len(LAND_COVER_CLASSES)]
    order = [p for p in np.argsort(-classes, kind='stable') if classes[p]]
    labels = [f'{NAMES[p]}  {_percent(number[p] / classes.sum())}' for p in order]
    for place in (NODATA_INDEX, UNKNOWN_INDEX):
        if number[place]:
            order.append(place)
            labels.append(NAMES[place])
    handles: list[Any] = [
        Patch(facecolor=COLOURS[place], edgecolor='0.5', lw=0.5, label=label)
        for place, label in zip(order, labels, strict=True)
    ]
    handles.append(Line2D([], [], color='black', lw=1.2, label='scene'))
    if unlabelled:
        label = f'without a label ({unlabelled})'
        handles.append(Line2D([], [], color=UNLABELLED, lw=1.2, label=label))
    axes.legend(
        handles=handles,
        loc='upper left',
        bbox_to_anchor=(1.02, 1),
        frameon=False,
        borderaxespad=0,
        title='land cover in this picture',
        alignment='left',
    )


def _percent(share: float) -> str:
    return f'{share:.1%}' if share >= 0.0005 else '< 0.1%'
