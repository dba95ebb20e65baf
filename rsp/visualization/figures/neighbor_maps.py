"""Draw on a map where the nearest scenes of a few queries lie."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rsp.visualization.figures.image_grid import new_figure, plain
from rsp.visualization.figures.probe_curves import COLORS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_neighbor_maps(
    places: np.ndarray,
    queries: Sequence[int],
    found: Sequence[Sequence[Sequence[int]]],
    names: Sequence[str],
) -> 'Figure':
    """Plot a panel per backbone: all scenes, and lines from queries to their nearest.

    Args:
        places: Longitude and latitude of each scene, degrees, shape (N, 2); NaN where
            unknown.
        queries: Scenes.
        found: By backbone and query, the nearest scenes, best first.
        names: Of the backbones.
    """
    figure = new_figure(6 * len(names), 6)
    panels = figure.subplots(1, len(names), squeeze=False)[0]
    for axes, name, near in zip(panels, names, found, strict=True):
        axes.scatter(*places.T, 10, color='#bbbbbb', label='other scenes')
        for number, (query, others) in enumerate(zip(queries, near, strict=True)):
            color = COLORS[number % len(COLORS)]
            for other in others:
                axes.plot(*places[[query, other]].T, color=color, linewidth=1)
            axes.scatter(*places[list(others)].T, 24, color=color)
            axes.scatter(
                *places[query], 120, color=color, marker='*', edgecolor='black',
                label=f'query {number + 1}', zorder=3,
            )  # fmt: skip
        middle = math.radians(float(np.nanmean(places[:, 1])))
        axes.set_aspect(1 / max(math.cos(middle), 0.05))
        axes.set(title=plain(name), xlabel='longitude, degrees')
        axes.ticklabel_format(useOffset=False)
        axes.spines[['top', 'right']].set_visible(False)
    panels[0].set_ylabel('latitude, degrees')
    # Beside the map: its axes are in degrees alike, and so may be narrow.
    panels[-1].legend(
        frameon=False, fontsize=8, loc='upper left', bbox_to_anchor=(1, 1)
    )
    return figure
