"""Compare a candidate with a baseline, each measured with several seeds."""

import statistics
from collections.abc import Mapping, Sequence
from io import StringIO

from rich import box
from rich.console import Console
from rich.table import Table

from rsp.errors import UserError

Metrics = Mapping[str, float]


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float | None]:
    """Compute mean and sample standard deviation (n - 1); None for one value.

    Raises:
        UserError: If there is no value.
    """
    if not values:
        raise UserError('expected at least one value, got none.')
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return statistics.fmean(values), deviation


def summarize(runs: Mapping[str, Sequence[Metrics]]) -> dict[str, dict]:
    """Summarize the metrics of several seeds.

    Args:
        runs: ``{backbone: [metrics of seed 0, metrics of seed 1, ...]}``.

    Returns:
        ``{backbone: {metric: mean}}`` with two more keys, ``deviation`` of the same
        shape and ``seeds`` with the list of values in place of the mean.

    Raises:
        UserError: If seeds of one backbone were not measured by the same metrics.
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
        deviations[backbone] = {name: spread for name, (_, spread) in pairs.items()}
    return means | dict(deviation=deviations, seeds=values)


def format_table(
    summary: Mapping[str, dict], baseline: str, candidate: str, metrics: Sequence[str]
) -> str:
    """Format both backbones and the gain, one row each, as plain text.

    Args:
        summary: Result of :func:`summarize`, per cent.
        baseline: Name of the backbone in the first row.
        candidate: Name of the backbone in the second row.
        metrics: Columns.
    """
    table = Table('top-1, %', box=box.HORIZONTALS, show_edge=False)
    for metric in metrics:
        table.add_column(metric, justify='right')
    for name in (baseline, candidate):
        values = [
            _with_deviation(summary[name][m], summary['deviation'][name][m])
            for m in metrics
        ]
        seeds = len(summary['seeds'][name][metrics[0]])
        table.add_row(f'{name} ({seeds} seed{"s" if seeds > 1 else ""})', *values)
    table.add_section()
    gains = [summary[candidate][m] - summary[baseline][m] for m in metrics]
    table.add_row('gain, points', *(f'{gain:+.1f}' for gain in gains))

    text = StringIO()
    Console(file=text, width=200).print(table)
    return text.getvalue().rstrip('\n')


def _with_deviation(mean: float, deviation: float | None) -> str:
    return f'{mean:.1f}' if deviation is None else f'{mean:.1f} ± {deviation:.1f}'
