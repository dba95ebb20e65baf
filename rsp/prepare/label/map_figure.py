"""Draw a map of scenes over the land cover that labels them."""

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from matplotlib.axes import Axes
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
COLORS = (
    '#e8c46a', '#2e7d32', '#a5d36b', '#b08d57', '#4db6ac', '#2f7ed8', '#c5b8d9',
    '#d32f2f', '#c9bfb2', '#ffffff', '#1b4f8f', '#eeeeee', '#ff00ff',
)  # fmt: skip
UNLABELED = '#b00020'
NAMES = (*LAND_COVER_CLASSES, 'no data', 'unknown code')
# Largest width and height of the figure in inches, legend apart.
SIZE = (9, 7.2)
# Pixels along the longer side of the picture.
LONG_SIDE = 1000
MAX_SCENES = 2000
# Source pixels read per raster and side, so that a continent does not fill the memory.
MAX_PIXELS = 2048


def draw_map(
    land_cover: LandCover,
    scenes: Path,
    names: Sequence[str],
    labeled: Collection[str],
    out: Path,
) -> int:
    """Draw footprints of scenes over the land cover, north up.

    In meters where all scenes share a projected system, else in degrees. Of very many
    scenes an even choice is drawn; a scene of a few dots becomes a cross; one without
    any label is red.

    Args:
        land_cover: Map.
        scenes: Folder.
        names: Images below it.
        labeled: Images with a label.
        out: File of the picture, png.

    Returns:
        Scenes drawn; 0, and no picture, if none has a footprint.
    """
    step = -(-len(names) // MAX_SCENES)
    system, outlines = _read_outlines(scenes, names[::step])
    if not outlines:
        return 0
    extent = _extent([*outlines.values()])
    west, south, east, north = extent
    indices = sample_classes(land_cover, system, extent)
    figure = Figure(figsize=SIZE)
    axes = figure.add_subplot()
    # A degree of longitude is shorter than one of latitude.
    latitude = np.clip((south + north) / 2, -80, 80)
    axes.imshow(
        np.array([to_rgb(color) for color in COLORS])[indices],
        extent=(west, east, south, north),
        interpolation='nearest',
        aspect=1 / np.cos(np.radians(latitude)) if system.is_geographic else 1.0,
    )
    for name, outline in outlines.items():
        _draw_outline(axes, outline, name in labeled, (east - west) / 150)
    axes.set(xlim=(west, east), ylim=(south, north))
    _label_axes(axes, system)
    shown = f'{len(outlines)} of ' if len(outlines) < len(names) else ''
    axes.set_title(
        f'{shown}{len(names)} scene{"s" * (len(names) != 1)} over '
        f'{land_cover.class_map.name}',
        loc='left',
        parse_math=False,
    )
    _draw_legend(axes, indices, sum(name not in labeled for name in outlines))
    figure.savefig(out, dpi=110, bbox_inches='tight', pad_inches=0.15)
    return len(outlines)


def sample_classes(
    land_cover: LandCover, system: CRS, extent: tuple[float, float, float, float]
) -> np.ndarray:
    """Return the class at the middle of each pixel of a picture, by the nearest cell.

    Args:
        land_cover: Map.
        system: Of the picture.
        extent: West, south, east and north of the picture; in degrees, longitudes may
            go on beyond 180.

    Returns:
        Class indices as in `ClassMap.classify`, shape (H, W), north up.
    """
    west, south, east, north = extent
    pixel = max(east - west, north - south) / LONG_SIDE
    x = np.arange(west + pixel / 2, east, pixel)
    y = np.arange(north - pixel / 2, south, -pixel)
    grid = np.stack(np.meshgrid(x, y))  # (2, H, W)
    indices = np.full(grid.shape[1:], NODATA_INDEX)
    for raster in land_cover.rasters:
        empty = indices == NODATA_INDEX
        if not empty.any():
            break
        indices[empty] = _lookup_classes(land_cover, raster, system, grid[:, empty])
    return indices


def _lookup_classes(
    land_cover: LandCover, raster: LandCoverRaster, system: CRS, points: np.ndarray
) -> np.ndarray:
    """Return the class index of each point, shape (K,), from a reduced raster."""
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
    reduced = min(width, MAX_PIXELS), min(height, MAX_PIXELS)
    try:
        with open_raster(raster.path, expand=False) as data:
            where = dict(window=RasterWindow(left, top, width, height))
            pixels, valid = read_codes(data, raster, out_shape=reduced[::-1], **where)
    except UserError:
        return result  # Damaged: reported with the labels, and blank in the map.
    column = (column - left) * reduced[0] // width
    row = (row - top) * reduced[1] // height
    codes, inverse = np.unique(pixels[row, column], return_inverse=True)
    classes = land_cover.classify(raster, codes)[inverse]
    if valid is not None:
        classes[~valid[row, column]] = NODATA_INDEX
    result[inside] = classes
    return result


def _read_outlines(
    folder: Path, names: Iterable[str]
) -> tuple[CRS, dict[str, shapely.Geometry]]:
    """Return a reference system, and the outlines in it of scenes that have one."""
    footprints = {}
    for name in names:
        # Scenes without a footprint are listed in the report.
        with suppress(UserError), open_raster(folder / name) as data:
            window = Window(0, 0, *data.shape)
            footprints[name] = Footprint.from_window(*georeference(data), window)
    systems = {footprint.crs for footprint in footprints.values()}
    system = systems.pop() if len(systems) == 1 else WGS84
    outlines = {}
    for name, footprint in footprints.items():
        with suppress(UserError):  # Over a pole: no outline in a map in degrees.
            outlines[name] = footprint.to_crs(system)
    if outlines and system.is_geographic:
        whole = unwrap_longitude([*outlines.values()])
        outlines = dict(zip(outlines, whole, strict=True))
    return system, outlines


def _extent(outlines: list[shapely.Geometry]) -> tuple[float, float, float, float]:
    """Return the bounds of all outlines with a margin, not thinner than 1 to 3."""
    west, south, east, north = shapely.total_bounds(outlines)
    long = max(east - west, north - south)
    width = max(east - west, long / 3) + 0.12 * long
    height = max(north - south, long / 3) + 0.12 * long
    x, y = (west + east) / 2, (south + north) / 2
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _label_axes(axes: Axes, system: CRS) -> None:
    unit = 'degrees' if system.is_geographic else (system.linear_units or 'meters')
    name = system.to_string()[:40]
    axes.set_xlabel(
        f'east, {unit.replace("metre", "meters")} ({name})', parse_math=False
    )
    axes.set_ylabel('north')
    axes.ticklabel_format(useOffset=False, style='plain')
    axes.locator_params(axis='x', nbins=5)


def _draw_outline(
    axes: Axes, outline: shapely.Geometry, labeled: bool, smallest: float
) -> None:
    """Draw an outline; a cross if its longer side is below the smallest that shows."""
    halo = [withStroke(linewidth=3, foreground='white')]
    style: Any = dict(color='black' if labeled else UNLABELED, path_effects=halo)
    west, south, east, north = outline.bounds
    if max(east - west, north - south) < smallest:
        axes.plot((west + east) / 2, (south + north) / 2, '+', **style)
        return
    for part in shapely.get_parts(outline):
        axes.plot(*part.exterior.xy, lw=1.2, **style)


def _draw_legend(axes: Axes, indices: np.ndarray, unlabeled: int) -> None:
    """List the classes in the picture with their shares, the most frequent first."""
    number = np.bincount(indices.ravel(), minlength=len(NAMES))
    classes = number[:NODATA_INDEX]
    order = [*np.argsort(-classes, kind='stable'), NODATA_INDEX, UNKNOWN_INDEX]
    handles: list[Any] = []
    for index in (index for index in order if number[index]):
        label = NAMES[index]
        if index < NODATA_INDEX:
            share = classes[index] / classes.sum()
            label += f'  {share:.1%}' if share >= 0.0005 else '  < 0.1%'
        handles.append(
            Patch(facecolor=COLORS[index], edgecolor='0.5', lw=0.5, label=label)
        )
    handles.append(Line2D([], [], color='black', lw=1.2, label='scene'))
    if unlabeled:
        label = f'without a label ({unlabeled})'
        handles.append(Line2D([], [], color=UNLABELED, lw=1.2, label=label))
    axes.legend(
        handles=handles,
        loc='upper left',
        bbox_to_anchor=(1.02, 1),
        frameon=False,
        borderaxespad=0,
        title='land cover in this picture',
        alignment='left',
    )
