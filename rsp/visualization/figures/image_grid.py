"""Draw images in rows and columns, with maps over them and outlines of objects."""

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Zero is clear, so that what a map leaves out stays visible.
COLORS, OPACITY = 'inferno', 0.65


class Cell(NamedTuple):
    """Hold one image of a grid.

    Attributes:
        image: RGB, shape (H, W, 3), uint8.
        heat: Map over it, shape (H, W), 0 to 1.
        outline: Objects to outline, shape (H, W), bool.
        note: Line below it.
        frame: Color of a frame, for matplotlib.
    """

    image: np.ndarray
    heat: np.ndarray | None = None
    outline: np.ndarray | None = None
    note: str = ''
    frame: str = ''


def new_figure(width: float, height: float) -> 'Figure':
    """Return a figure with a canvas of its own, sizes in inches.

    pyplot would choose a window system and keep state.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout='constrained')
    FigureCanvasAgg(figure)
    return figure


def plain(text: str) -> str:
    """Keep matplotlib from reading a name as mathematics."""
    return text.replace('$', r'\$')


def draw_grid(
    rows: Sequence[Sequence[Cell | None]],
    columns: Sequence[str] = (),
    row_names: Sequence[str] = (),
    scale: str = '',
    title: str = '',
    cell: float = 2.2,
    caption: str = '',
) -> 'Figure':
    """Draw a grid of images.

    Args:
        rows: Of one length each; None leaves a place empty.
        columns: Titles.
        row_names: Texts left of the rows.
        scale: Text of the color bar of the maps; none without.
        title: Above all.
        cell: Width of an image, inches.
        caption: Below all.
    """
    from matplotlib.cm import ScalarMappable

    first = next(c for row in rows for c in row if c is not None).image
    wide = max(map(len, rows))
    noted = any(c is not None and c.note for row in rows for c in row)
    height = cell * first.shape[0] / first.shape[1] + 0.06 + 0.2 * noted
    figure = new_figure(cell * wide + 0.9 * bool(scale) + 0.3, height * len(rows) + 0.7)
    axes = figure.subplots(len(rows), wide, squeeze=False)
    for number, row in enumerate(rows):
        for column, place in enumerate(axes[number]):
            _draw(place, row[column] if column < len(row) else None)
            if number == 0 and column < len(columns):
                place.set_title(plain(columns[column]), fontsize=9)
        if number < len(row_names):
            axes[number][0].set_ylabel(plain(row_names[number]), fontsize=7)
    if scale:
        mappable = ScalarMappable(cmap=COLORS)
        mappable.set_clim(0, 1)
        bar = figure.colorbar(mappable, ax=axes, shrink=0.7, aspect=30)
        bar.set_label(scale, fontsize=9)
    if title:
        figure.suptitle(plain(title), fontsize=10)
    if caption:
        figure.supxlabel(plain(fill(caption, round(14 * cell * wide))), fontsize=7)
    return figure


def _draw(axes: Any, cell: Cell | None) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    if cell is None:
        axes.axis('off')
        return
    axes.imshow(cell.image)
    if cell.heat is not None:
        heat = np.clip(cell.heat, 0, 1)
        axes.imshow(heat, COLORS, vmin=0, vmax=1, alpha=OPACITY * np.sqrt(heat))
    if cell.outline is not None and cell.outline.any() and not cell.outline.all():
        levels = cell.outline.astype(float)
        axes.contour(levels, levels=[0.5], colors='cyan', linewidths=0.8)
    if cell.note:
        axes.set_xlabel(plain(cell.note), fontsize=7)
    for spine in axes.spines.values():
        spine.set_visible(bool(cell.frame))
        spine.set(color=cell.frame or 'black', linewidth=3)
