"""Draw the curves of runs, one quantity to a chart."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from rsp.engine.report.records import Curve
from rsp.engine.report.run import Run
from rsp.visualization.figures.svg import ACCENT, LINE, SOFT, to_data_uri

# One accent for one run; for more Okabe and Ito's colors, told apart by every eye.
COLORS = (ACCENT, '#D55E00', '#0072B2', '#CC79A7', '#E69F00', '#56B4E9', '#555555')
# More points than a chart has pixels are averaged, and their range shaded.
MOST_POINTS = 360

SIMILARITY, PERCENT, TIMES = 'cosine', 'per cent', 'ratio'
# Pattern of the names, unit of the axis.
UNITS = (
    (r'.*(top1|top5|accuracy|mIoU|aAcc|mAcc|F1)$', PERCENT),
    (r'(.*/)?(lr|base_lr)(_.*)?$', 'rate per step'),
    (r'.*momentum.*', 'share of new weights'),
    (r'.*loss.*', 'loss'),
    (r'.*(similarity|cosine)$', SIMILARITY),
    (r'.*(rank|directions)$', 'dimensions'),
    (
        r'.*(dead_units|flat_images|equal_views|masked|unlabeled)$',
        'share',
    ),
    (r'.*queue_age$', 'steps'),
    (r'.*(grad_norm|gradient_norm|backbone_gradient)$', 'length'),
    (r'.*(update_ratio|teacher_distance|deviation|view_ratio)$', TIMES),
    (r'.*alignment$', 'squared distance'),
    (r'.*uniformity$', 'log of mean'),
    (r'.*relative_error$', 'times that of a fill'),
    (r'rate$', 'samples per second'),
    (r'waiting$', 'per cent of a step'),
    (r'memory$', 'MiB'),
)


class Group(NamedTuple):
    """Hold a section of charts: title, note, and the names that belong to it."""

    title: str
    note: str
    pattern: str


GROUPS = (
    Group(
        'Losses and schedules',
        '',
        r'(?!health/|val/)(.*loss.*|(base_)?lr.*|.*momentum.*)',
    ),
    Group('Training', 'Of the batches that were trained on.', r'(?!health/|val/).*'),
    Group('Validation', '', r'val/.*'),
    Group(
        'Health',
        'Measured in single steps by rsp.HealthHook; docs/health.md says of what.',
        r'health/(?!share_of_time).*',
    ),
)
# Of a section, what is looked at first.
FIRST = (
    *('loss', r'loss.*', r'.*loss.*', r'.*momentum.*', 'lr'),
    *('health/knn_top1', 'health/neighbor_top1', 'health/rank', 'health/deviation'),
    *('health/cosine', r'health/.*similarity', r'health/projected.*'),
    *('health/alignment', 'health/uniformity', r'health/.*gradient.*', r'.*_ratio'),
)
SPEED = ('rate', 'waiting', 'memory')
# Not drawn as they are logged, or no quantity of the training.
LEFT_OUT = ('time', 'data_time', 'epoch', 'memory', 'health/share_of_time')


def unit_of(name: str) -> str:
    """Return the unit of a quantity by its name; nothing if it is not known."""
    return next((unit for pattern, unit in UNITS if re.fullmatch(pattern, name)), '')


def group_names(names: Sequence[str]) -> dict[Group, list[str]]:
    """Sort the names of curves into sections, totals first."""
    left = [name for name in names if name not in LEFT_OUT]
    groups: dict[Group, list[str]] = {}
    for group in GROUPS:
        own = [name for name in left if re.fullmatch(group.pattern, name)]
        left = [name for name in left if name not in own]
        # One rate is one curve: mmengine logs it as `base_lr`, too.
        if 'lr' in own and 'base_lr' in own:
            own.remove('base_lr')
        if own:
            groups[group] = sorted(own, key=_rank)
    return groups


def _rank(name: str) -> tuple[int, str]:
    matches = (i for i, one in enumerate(FIRST) if re.fullmatch(one, name))
    return next(matches, len(FIRST)), name


def constant(curves: Iterable[Curve]) -> float | None:
    """Return the value that a quantity has had all the time, in all runs."""
    values = {value for _, own in curves for value in own}
    return values.pop() if len(values) == 1 else None


def speed_curves(run: Run) -> dict[str, Curve]:
    """Return samples per second, per cent of waiting for data, and memory."""
    curves: dict[str, Curve] = {}
    if 'memory' in run.curves:
        curves['memory'] = run.curves['memory']
    if 'time' not in run.curves:
        return curves
    steps, seconds = run.curves['time']
    if run.batch:
        batch = run.batch
        curves['rate'] = steps, [batch / max(time, 1e-9) for time in seconds]
    waits = dict(zip(*run.curves.get('data_time', ([], [])), strict=True))
    shares = {
        step: 100 * waits[step] / max(time, 1e-9)
        for step, time in zip(steps, seconds, strict=True)
        if step in waits
    }
    if shares:
        curves['waiting'] = [*shares], [*shares.values()]
    return curves


def draw_chart(
    name: str, curves: Mapping[int, Curve], batch: int | None, end: int | None = None
) -> str:
    """Draw a quantity of one or more runs; return a data URI.

    Args:
        name: Of the quantity.
        curves: By the number of the run, which chooses the color.
        batch: Samples of an iteration, if all runs have the same; they are written
            below the iterations.
        end: Last iteration of the schedule, for the right end of the axis.
    """
    figure = Figure(figsize=(3.7, 1.95))
    axes = figure.add_axes((0.18, 0.235 if batch else 0.17, 0.78, 0.72))
    for number, curve in curves.items():
        color = COLORS[number % len(COLORS)]
        steps, low, mean, high = _thinned(*curve)
        if len(steps) < len(curve[0]):
            axes.fill_between(steps, low, high, color=color, alpha=0.18, linewidth=0)
        marker = 'o' if len(steps) < 12 else ''
        axes.plot(steps, mean, color=color, linewidth=1.4, marker=marker, markersize=3)
    last = max([end or 0, *(curve[0][-1] for curve in curves.values())])
    axes.set_xlim(0, last * 1.01)
    axes.grid(axis='y', color=LINE, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines[['top', 'right', 'left']].set_visible(False)
    axes.spines.bottom.set_color(LINE)
    axes.tick_params(length=0, labelsize=8, labelcolor=SOFT, pad=3)
    axes.set_ylabel(unit_of(name.removeprefix('val/')), fontsize=8, color=SOFT)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(_short))
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    unit = 'iteration'
    if batch:
        unit += '\nsamples'
        axes.xaxis.set_major_formatter(
            FuncFormatter(lambda x, _: f'{_short(x)}\n{_short(x * batch)}')
        )
    else:
        axes.xaxis.set_major_formatter(FuncFormatter(_short))
    # In a corner of its own, beside the numbers of the axis.
    axes.annotate(
        unit,
        (0, 0),
        (-14, -4.5),
        xycoords='axes fraction',
        textcoords='offset points',
        fontsize=6.5,
        color=SOFT,
        ha='right',
        va='top',
        linespacing=1.45,
    )
    return to_data_uri(figure)


def _thinned(
    steps: Sequence[int], values: Sequence[float]
) -> tuple[NDArray[np.float64], ...]:
    """Return steps, least, mean and largest value of at most `MOST_POINTS` bins."""
    where, what = np.asarray(steps, float), np.asarray(values, float)
    # matplotlib cannot scale an axis to infinity; gaps show where it was.
    what = np.where(np.isfinite(what), what, np.nan)
    if len(where) <= MOST_POINTS:
        return where, what, what, what
    parts = np.array_split(np.arange(len(where)), MOST_POINTS)
    kept = [part[np.isfinite(what[part])] for part in parts]
    kept = [part for part in kept if len(part)]
    return (
        np.array([where[part].mean() for part in kept]),
        np.array([what[part].min() for part in kept]),
        np.array([what[part].mean() for part in kept]),
        np.array([what[part].max() for part in kept]),
    )


def _short(value: float, _: int = 0) -> str:
    """Format a number of an axis: 12k, 1.5M, 0.25, 2e-05."""
    for least, unit, letter in ((1e9, 1e9, 'G'), (1e6, 1e6, 'M'), (1e4, 1e3, 'k')):
        if abs(value) >= least:
            return f'{value / unit:.3g}{letter}'
    return f'{value:.4g}'.replace('e-0', 'e-')
