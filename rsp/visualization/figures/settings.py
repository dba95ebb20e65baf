"""Plot scores of settings, in their order, with those of untrained weights."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rsp.visualization.figures.image_grid import new_figure, plain
from rsp.visualization.figures.probe_curves import COLORS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SPAN = 10.0  # per cent


def plot_settings(
    columns: Mapping[str, Mapping[str, Any]],
    names: Mapping[str, str],
    label: str,
    baseline: str,
) -> 'Figure':
    """Plot a panel per score: a dot per seed, the mean, its interval of 95 %.

    Args:
        columns: By score and setting, with ``values``, ``mean`` and ``half_width``.
        names: Of the scores.
        label: What the settings are of.
        baseline: Setting that is drawn as a line across, if it is there.
    """
    rows = -(-len(columns) // 2)
    figure = new_figure(10, 3.4 * rows)
    axes = figure.subplots(rows, 2, squeeze=False)
    for place, (key, column) in zip(axes.flat, columns.items(), strict=False):
        settings = {k: v for k, v in column.items() if k != baseline}
        for number, score in enumerate(settings.values()):
            dots = [number] * len(score.values)
            place.scatter(dots, score.values, 16, color=COLORS[5], zorder=2)
            place.errorbar(number, score.mean, score.half_width, fmt='o',
                           color=COLORS[0], capsize=4, zorder=3)  # fmt: skip
        if baseline in column:
            level = column[baseline].mean
            place.axhline(level, color='black', linestyle=':', linewidth=1)
            place.annotate(
                baseline, (1, level), (-3, 3), xycoords=('axes fraction', 'data'),
                textcoords='offset points', ha='right', fontsize=8,
            )  # fmt: skip
        _widen(place)
        place.set_xticks(range(len(settings)), [plain(name) for name in settings])
        place.set_xlim(-0.5, len(settings) - 0.5)
        place.set(title=names[key], ylabel='top-1, %', xlabel=plain(label))
        place.spines[['top', 'right']].set_visible(False)
        place.grid(axis='y', alpha=0.3)
    for place in [*axes.flat][len(columns) :]:
        place.set_visible(False)
    return figure


def _widen(axes: Any) -> None:
    """Show a span of points at least, so that noise does not look like a difference."""
    low, high = axes.get_ylim()
    lacking = max(0.0, SPAN - (high - low)) / 2
    axes.set_ylim(low - lacking, high + lacking)
