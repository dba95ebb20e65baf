"""Plot accuracies of frozen backbones side by side."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rsp.visualization.figures.image_grid import new_figure, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colors, told apart by every eye.
COLORS = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000')
TITLES = dict(knn='kNN', linear='linear probe', knn5='kNN-5')


def plot_probes(backbones: Sequence[Mapping[str, Any]], chance: float) -> 'Figure':
    """Plot top-1 by stage and, of the last one, by share of the labels.

    Args:
        backbones: Each with ``name`` and ``scores``: by stage and share, ``knn`` and
            ``linear`` with ``mean`` and ``deviation``, per cent.
        chance: Accuracy of guessing, per cent.
    """
    figure = new_figure(10, 7)
    axes = figure.subplots(2, 2)
    for row, name in enumerate(('linear', 'knn')):
        for number, backbone in enumerate(backbones):
            color = COLORS[number % len(COLORS)]
            scores = backbone['scores']
            style = dict(color=color, marker='o', label=plain(backbone['name']))
            places = list(scores)
            stages = [scores[place]['100'][name]['mean'] for place in places]
            axes[row][0].plot(range(len(places)), stages, **style)
            axes[row][0].set_xticks(range(len(places)), places)
            shares = scores[places[-1]]
            axes[row][1].errorbar(
                [float(share) for share in shares],
                [entry[name]['mean'] for entry in shares.values()],
                [entry[name]['deviation'] or 0 for entry in shares.values()],
                capsize=3,
                **style,
            )
        axes[row][0].set(title=f'{TITLES[name]}, all labels')
        axes[row][0].set(xlabel='frozen up to', ylabel='top-1, %')
        axes[row][1].set(title=f'{TITLES[name]} of {places[-1]}, mean ± deviation')
        axes[row][1].set(xlabel='labels, % of the training set', ylabel='top-1, %')
        axes[row][1].set_xscale('log')
        ticks = [float(share) for share in shares]
        axes[row][1].set_xticks(ticks, [f'{tick:g}' for tick in ticks], minor=False)
        axes[row][1].minorticks_off()
    for place in axes.flat:
        _finish(place, chance)
    axes[0][0].legend(frameon=False)
    return figure


def plot_bench(backbones: Sequence[Mapping[str, Any]], chance: float) -> 'Figure':
    """Plot accuracies with their intervals of 95 %, a bar for each backbone.

    Args:
        backbones: Each with ``name`` and ``scores``: of ``knn5`` and ``linear``
            ``accuracy``, ``low`` and ``high``, per cent.
        chance: Accuracy of guessing, per cent.
    """
    figure = new_figure(8, 4)
    axes = figure.subplots(1, 2, sharey=True)
    for place, name in zip(axes, ('knn5', 'linear'), strict=True):
        for number, backbone in enumerate(backbones):
            score = backbone['scores'][name]
            middle = score['accuracy']
            around = [[middle - score['low']], [score['high'] - middle]]
            color = COLORS[number % len(COLORS)]
            place.bar(number, middle, 0.6, color=color)
            place.errorbar(number, middle, around, ecolor='black', capsize=4)
            place.annotate(
                f'{middle:.1f}', (number, score['high']), (0, 4),
                textcoords='offset points', ha='center',
            )  # fmt: skip
        names = [plain(backbone['name']) for backbone in backbones]
        place.set_xticks(range(len(names)), names)
        place.set(title=f'{TITLES[name]}, 95 % of 200 bootstraps')
        _finish(place, chance)
    axes[0].set(ylabel='top-1, %')
    return figure


def plot_gap(backbones: Sequence[Mapping[str, Any]]) -> 'Figure':
    """Plot by stage how far photos are from scenes, and what became of both.

    Args:
        backbones: Each with ``name`` and ``stages``: by stage ``separability`` (per
            cent), ``frechet``, ``cka_photos`` and ``cka_scenes``.
    """
    figure = new_figure(13, 4)
    axes = figure.subplots(1, 3)
    for number, backbone in enumerate(backbones):
        stages = backbone['stages']
        style = dict(color=COLORS[number % len(COLORS)], label=plain(backbone['name']))
        for place, keys in zip(
            axes, (['separability'], ['frechet'], ['cka_scenes', 'cka_photos']),
            strict=True,
        ):  # fmt: skip
            for key, line in zip(keys, ('o-', 's--'), strict=False):
                values = [entry[key] for entry in stages.values()]
                place.plot(range(len(values)), values, line, **style)
            place.set_xticks(range(len(stages)), list(stages))
            place.spines[['top', 'right']].set_visible(False)
            place.grid(axis='y', alpha=0.3)
    axes[0].set(title='photos told from scenes', ylabel='accuracy of a line, %')
    axes[0].axhline(50, color='black', linestyle=':', linewidth=1)
    axes[1].set(title='Frechet distance', ylabel='squared, per dimension')
    axes[1].set_ylim(bottom=0)
    first = plain(backbones[0]['name'])
    axes[2].set(title='scenes solid, photos dashed', ylabel=f'CKA with {first}')
    axes[2].set_ylim(0, 1.05)
    axes[0].legend(frameon=False)
    return figure


def _finish(axes: Any, chance: float) -> None:
    axes.axhline(chance, color='black', linestyle=':', linewidth=1)
    axes.annotate(
        'chance', (1, chance), (-3, 3), xycoords=('axes fraction', 'data'),
        textcoords='offset points', ha='right', fontsize=8,
    )  # fmt: skip
    axes.spines[['top', 'right']].set_visible(False)
    axes.grid(axis='y', alpha=0.3)
    axes.set_ylim(bottom=0)
