"""A candidate against a baseline, each measured with several seeds."""

import statistics
from collections.abc import Mapping, Sequence

from rsp.errors import UserError

Metrics = Mapping[str, float]


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean and sample standard deviation (n - 1); one value has no deviation.

    Raises:
        ValueError: If there is no value.
    """
    if not values:
        raise UserError('expected at least one value, got none.')
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return statistics.fmean(values), deviation


def summarize(runs: Mapping[str, Sequence[Metrics]]) -> dict[str, dict]:
    """Means, deviations and single values of the metrics of several seeds.

    Args:
        runs: ``{backbone: [metrics of seed 0, metrics of seed 1, ...]}``.

    Returns:
        ``{backbone: {metric: mean}}`` with two more keys, ``deviation`` of the same
        shape and ``seeds`` with the list of values in place of the mean.

    Raises:
        ValueError: If seeds of one backbone were not measured by the same metrics.
    """
    means: dict[str, dict] = {}
    deviations: dict[str, dict] = {}
    values: dict[str, dict] = {}
    for backbone, seeds in runs.items():
        names = list(seeds[0]) if seeds else []
        if any(set(metrics) != set(names) for metrics in seeds):
            raise UserError(
                f'the seeds of {backbone} have different metrics: '
                f'{[sorted(metrics) for metrics in seeds]}.'
            )
        values[backbone] = {n: [metrics[n] for metrics in seeds] for n in names}
        pairs = {n: mean_and_deviation(v) for n, v in values[backbone].items()}
        means[backbone] = {name: mean for name, (mean, _) in pairs.items()}
        deviations[backbone] = {
            name: deviation for name, (_, deviation) in pairs.items()
        }
    return means | dict(deviation=deviations, seeds=values)


def format_table(
    summary: Mapping[str, dict], baseline: str, candidate: str, metrics: Sequence[str]
) -> str:
    """Both backbones and the gain, one row each, in plain text.

    Args:
        summary: What :func:`summarize` returns, per cent.
        baseline: Name of the backbone in the first row.
        candidate: Name of the backbone in the second row.
        metrics: Columns.
    """
    rows = [['top-1, %', *metrics]]
    for name in (baseline, candidate):
        cells = [
            _with_deviation(summary[name][m], summary['deviation'][name][m])
            for m in metrics
        ]
        seeds = len(summary['seeds'][name][metrics[0]])
        rows.append([f'{name} ({seeds} seed{"s" if seeds > 1 else ""})', *cells])
    gains = [summary[candidate][m] - summary[baseline][m] for m in metrics]
    rows.append(['gain, points', *(f'{gain:+.1f}' for gain in gains)])

    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        '  '.join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    rule = '-' * len(lines[0])
    return '\n'.join([lines[0], rule, *lines[1:3], rule, lines[3]])


def _with_deviation(mean: float, deviation: float | None) -> str:
    return f'{mean:.1f}' if deviation is None else f'{mean:.1f} ± {deviation:.1f}'
