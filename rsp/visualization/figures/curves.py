"""Plot the curves of pre-training beside the accuracies of probes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rsp.visualization.scalars import Curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colors, told apart by every eye.
CONTRAST, SUPERVISED, BASELINE = '#0072B2', '#D55E00', '#999999'
TITLES = dict(knn='kNN', linear='linear probe')


def plot_comparison(
    path: Path,
    curves: Sequence[Mapping[str, Curve]],
    summary: Mapping[str, dict],
    num_classes: int,
) -> None:
    """Plot losses, training accuracies and probe accuracies side by side.

    Args:
        path: Image to write; the ending chooses the format.
        curves: Logged curves of each seed, see
            :func:`rsp.visualization.scalars.read_scalars`.
        summary: Of ``random`` and ``pretrained``, see
            :func:`rsp.evaluation.comparison.summarize`, per cent.
        num_classes: Classes of the probe, for the line of chance.
    """
    # A canvas of its own: pyplot would choose a window system and keep state.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 4), layout='constrained')
    FigureCanvasAgg(figure)
    losses, accuracies, bars = figure.subplots(1, 3)

    _plot_curves(
        losses,
        curves,
        {
            'loss_contrast': ('contrast (scenes)', CONTRAST),
            'loss_supervised': ('supervised (photos)', SUPERVISED),
        },
    )
    losses.set(title='Pre-training loss', xlabel='step', ylabel='cross-entropy, nats')
    _plot_curves(
        accuracies,
        curves,
        {
            'contrast_top1': ('right view among the negatives', CONTRAST),
            'supervised_top1': ('right class of the photo', SUPERVISED),
        },
    )
    accuracies.set(title='Pre-training accuracy', xlabel='step', ylabel='top-1, %')
    _plot_bars(bars, summary, num_classes)

    for axes in (losses, accuracies, bars):
        axes.spines[['top', 'right']].set_visible(False)
        axes.set_ylim(bottom=0)
    figure.savefig(path, dpi=150)


def _plot_curves(
    axes: 'Axes',
    curves: Sequence[Mapping[str, Curve]],
    labels: dict[str, tuple[str, str]],
) -> None:
    """Plot a thin line per seed and a thick one for their mean."""
    for name, (label, color) in labels.items():
        seeds = [curve[name] for curve in curves if name in curve]
        for steps, values in seeds:
            axes.plot(steps, values, color=color, alpha=0.35, linewidth=1)
        if len({tuple(steps) for steps, _ in seeds}) == 1:
            mean = np.mean([values for _, values in seeds], axis=0)
            axes.plot(seeds[0][0], mean, color=color, linewidth=2, label=label)
        elif seeds:
            axes.plot(*seeds[-1], color=color, linewidth=2, label=label)
    axes.grid(axis='y', alpha=0.3)
    axes.legend(frameon=False)


def _plot_bars(axes: 'Axes', summary: Mapping[str, dict], num_classes: int) -> None:
    """Plot random beside pre-trained for each probe, deviations as whiskers."""
    names = list(TITLES)
    for offset, (backbone, label, color) in enumerate(
        (
            ('random', 'random', BASELINE),
            ('pretrained', 'pre-trained', CONTRAST),
        )
    ):
        heights = [summary[backbone][name] for name in names]
        whiskers = [summary['deviation'][backbone][name] or 0 for name in names]
        places = np.arange(len(names)) + 0.38 * (offset - 0.5)
        axes.bar(places, heights, 0.36, color=color, label=label)
        if any(whiskers):
            axes.errorbar(
                places, heights, whiskers, fmt='none', ecolor='black', capsize=3
            )
        for place, height, whisker in zip(places, heights, whiskers, strict=True):
            axes.annotate(
                f'{height:.1f}',
                (place, height + whisker),
                xytext=(0, 3),
                textcoords='offset points',
                ha='center',
            )
    axes.axhline(100 / num_classes, color='black', linestyle=':', linewidth=1)
    axes.annotate(
        'chance',
        (0.5, 100 / num_classes),
        xytext=(0, 3),
        textcoords='offset points',
        ha='center',
    )
    axes.set_xticks(range(len(names)), [TITLES[name] for name in names])
    axes.set(title='Frozen backbone on unseen scenes', ylabel='top-1, %')
    axes.set_ylim(top=1.2 * axes.dataLim.ymax)  # room for the legend
    axes.legend(frameon=False, loc='upper left', ncols=2)
