"""Summarize scores over seeds, and tell what is within noise."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rsp.evaluation.comparison import mean_and_deviation

# Of all statements.
LEVEL = 0.95


@dataclass(frozen=True)
class Score:
    """Hold the scores of a checkpoint on a task, one per seed, in per cent."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Return the mean."""
        return statistics.fmean(self.values)

    @property
    def deviation(self) -> float | None:
        """Return the sample standard deviation; None for one seed."""
        return mean_and_deviation(self.values)[1]

    @property
    def half_width(self) -> float | None:
        """Return half of the 95 % interval of the mean, Student's; None for one."""
        if self.deviation is None:
            return None
        count = len(self.values)
        return _quantile(count - 1) * self.deviation / math.sqrt(count)


def is_within_noise(one: Score, other: Score) -> bool | None:
    """Tell whether two means may be equal, by Welch's t-test at 5 %.

    Returns:
        None if one seed of either leaves nothing to tell it by.
    """
    if one.deviation is None or other.deviation is None:
        return None
    parts = [s.deviation**2 / len(s.values) for s in (one, other)]  # type: ignore[operator]
    error = math.sqrt(sum(parts))
    gap = abs(one.mean - other.mean)
    if error == 0:
        return gap == 0
    counts = [len(score.values) - 1 for score in (one, other)]
    freedom = sum(parts) ** 2 / sum(
        p**2 / n for p, n in zip(parts, counts, strict=True)
    )
    return gap / error <= _quantile(freedom)


def _quantile(freedom: float) -> float:
    """Return Student's two-sided quantile."""
    from scipy.stats import t

    return float(t.ppf((1 + LEVEL) / 2, freedom))


def verdicts(scores: Mapping[str, Score]) -> dict[str, str]:
    """Say of each checkpoint how it stands to the best one of a task.

    Several that share the highest mean are ``'equal'``, none of them the best.
    """
    highest = max((score.mean for score in scores.values()), default=0)
    best = [name for name, score in scores.items() if score.mean == highest]
    said = {}
    for name, score in scores.items():
        if name in best:
            said[name] = 'best' if len(best) == 1 else 'equal'
            continue
        noise = is_within_noise(score, scores[best[0]])
        said[name] = {True: 'within noise', False: 'lower', None: 'one seed'}[noise]
    return said


def show(score: Score | None) -> str:
    """Format mean, deviation and interval: ``'65.0 ± 1.4 [61.5, 68.5]'``."""
    if score is None:
        return '–'
    if score.deviation is None or score.half_width is None:
        return f'{score.mean:.2f}'
    low, high = score.mean - score.half_width, score.mean + score.half_width
    return f'{score.mean:.2f} ± {score.deviation:.2f} [{low:.2f}, {high:.2f}]'


def names_of(scores: Sequence[Mapping[str, Score]]) -> list[str]:
    """Return the checkpoints of several tasks, in order."""
    return [*dict.fromkeys(name for one in scores for name in one)]
