"""Plot points in the plane, colored by class."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rsp.visualization.figures.image_grid import new_figure, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# A legend of more classes would hide the points.
NAMED = 25


def class_colors(count: int) -> list[str]:
    """Return a color per class, as hexadecimal text: 20 told apart, else a wheel."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    if count <= 10:
        return [to_hex(color) for color in colormaps['tab10'](range(10))]
    if count <= 20:
        return [to_hex(color) for color in colormaps['tab20'](range(20))]
    return [to_hex(color) for color in colormaps['hsv'](np.arange(count) / count)]


def plot_scatters(
    planes: Sequence[np.ndarray],
    titles: Sequence[str],
    labels: np.ndarray | None,
    classes: Sequence[str],
    method: str,
) -> 'Figure':
    """Plot planes side by side.

    Args:
        planes: Each (N, 2).
        titles: Of the planes.
        labels: Class of each point, shape (N,); None for one color.
        classes: Names.
        method: ``'tsne'`` or ``'umap'``, for the axes.
    """
    figure = new_figure(4.6 * len(planes), 5.4)
    axes = figure.subplots(1, len(planes), squeeze=False)[0]
    colors = class_colors(len(classes))
    name = dict(tsne='t-SNE', umap='UMAP')[method]
    groups = [0] if labels is None else np.unique(labels).tolist()
    for place, plane, title in zip(axes, planes, titles, strict=True):
        for group in groups:
            chosen = plane if labels is None else plane[labels == group]
            label = None if labels is None else plain(str(classes[group]))
            place.scatter(*chosen.T, s=7, color=colors[group], label=label, alpha=0.8)
        place.set_title(plain(title), fontsize=9)
        place.set(xlabel=f'{name} 1 (no unit)', xticks=[], yticks=[])
        place.set_aspect('equal', 'datalim')
    axes[0].set(ylabel=f'{name} 2 (no unit)')
    if 1 < len(groups) <= NAMED:
        handles, names = axes[0].get_legend_handles_labels()
        figure.legend(
            handles, names, loc='outside lower center', ncols=5, fontsize=8,
            frameon=False, markerscale=2,
        )  # fmt: skip
    return figure
