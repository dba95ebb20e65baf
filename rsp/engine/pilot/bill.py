"""Compute the cost of a whole schedule from what a few of its steps cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any


@dataclass(frozen=True)
class Schedule:
    """Count what a schedule consists of.

    Attributes:
        iterations: Steps in all.
        epochs: Times that the loader is started; 1 for runs by iteration.
        validations: Runs of the validation.
        checkpoints: Files that are written, at most: best ones are counted for every
            validation.
    """

    iterations: int
    epochs: int
    validations: int
    checkpoints: int


@dataclass(frozen=True)
class Steps:
    """Split the durations of some iterations into what each costs, seconds.

    Attributes:
        step: Mean of an iteration in the steady state.
        median: Their median.
        count: Iterations that the mean is of.
        begin: Further seconds of a run's first iterations: start of workers, search
            for algorithms, compilation.
        epoch: Further seconds of the beginning of a later epoch.
    """

    step: float
    median: float
    count: int
    begin: float
    epoch: float


def count_events(total: int, interval: int, begin: int = 1, last: bool = True) -> int:
    """Count the numbers in 1..total at which something is due.

    Args:
        total: The last number.
        interval: At multiples of it; none below 1.
        begin: First number at which it can be due.
        last: Also at the last number.
    """
    due = 0
    if interval > 0:
        due = total // interval - (max(begin, 1) - 1) // interval
        due = max(due, 0)
    is_due = interval > 0 and total % interval == 0 and total >= begin
    return due + int(last and total >= 1 and total >= begin and not is_due)


def split_steps(
    durations: Sequence[float], warmup: int, starts: Sequence[int], settling: int
) -> Steps:
    """Separate the steady state from what begins a run and an epoch.

    A loader's workers are ahead by some batches, and behind at the beginning of an
    epoch: what its first iterations take longer than others is that beginning's.
    Means, not medians, for the sum of all is wanted.

    Args:
        durations: Of iterations, seconds, each from the end of the one before it.
        warmup: Number of them at the beginning of the run that are no sample.
        starts: Positions of first iterations of later epochs.
        settling: Iterations of an epoch until its loader runs steadily.

    Raises:
        ValueError: If there is no iteration behind the warm-up.
    """
    if not 0 <= warmup < len(durations):
        raise ValueError(f'{len(durations)} iterations, {warmup} of them to warm up')
    later = [start for start in starts if start >= warmup]
    blocks = [
        range(start, min(start + settling, end))
        for start, end in pairwise([*later, len(durations)])
    ]
    unsettled = {place for block in blocks for place in block}
    steady = [d for i, d in enumerate(durations) if i >= warmup and i not in unsettled]
    if not steady:  # epochs shorter than their beginning: they are the steady state
        steady, blocks = list(durations[warmup:]), []
    step = sum(steady) / len(steady)
    extra = [sum(durations[i] - step for i in block) for block in blocks]
    return Steps(
        step=step,
        median=sorted(steady)[len(steady) // 2],
        count=len(steady),
        begin=sum(durations[i] - step for i in range(warmup)),
        epoch=sum(extra) / len(extra) if extra else 0.0,
    )


def total(schedule: Schedule, costs: dict[str, Any]) -> dict[str, float]:
    """Return the cost of every part of a schedule, in the unit of the costs.

    Args:
        schedule: What to count.
        costs: Cost of ``start`` (everything before the first iteration), ``begin``,
            ``step``, ``epoch``, ``validation``, ``checkpoint`` and ``end``, and in
            ``rare`` pairs of the cost and the interval of what happens so rarely that
            no step of the sample had it.
    """
    # Most hooks act at the last step, too.
    rare = sum(
        cost * (schedule.iterations // every + 1) for cost, every in costs['rare']
    )
    training = (
        costs['begin']
        + costs['step'] * schedule.iterations
        + costs['epoch'] * (schedule.epochs - 1)
        + rare
    )
    parts = dict(
        start=costs['start'],
        training=training,
        validation=costs['validation'] * schedule.validations,
        checkpoints=costs['checkpoint'] * schedule.checkpoints,
        end=costs['end'],
    )
    return parts | dict(total=sum(parts.values()))
