"""The arithmetic of a bill, against runs that are written out moment by moment."""

import numpy as np
import pytest

from rsp.engine.pilot.bill import Schedule, count_events, split_steps, total


@pytest.mark.parametrize('interval', [-1, 1, 2, 3, 7, 12, 20])
@pytest.mark.parametrize('begin', [0, 1, 4, 12, 30])
@pytest.mark.parametrize('last', [False, True])
def test_events_are_those_of_a_loop(interval, begin, last):
    due = [
        n
        for n in range(1, 13)
        if n >= begin and ((interval > 0 and n % interval == 0) or (last and n == 12))
    ]
    assert count_events(12, interval, begin, last) == len(due)


def test_the_bill_of_a_measured_part_is_the_time_of_the_whole_run():
    """Epochs of 20 steps of 2 s; the first three of an epoch wait 5, 1 and 1 s."""
    epoch = np.full(20, 2.0) + np.array([5, 1, 1] + [0] * 17)
    run = np.concatenate([epoch] * 6)
    run[:4] += [30, 3, 1, 1]  # once: search for algorithms

    # Seen: the first epoch's beginning, a later one's, and some steps behind it.
    seen = np.concatenate([run[:15], epoch[:12]])
    steps = split_steps(seen, warmup=5, starts=[15], settling=3)
    schedule = Schedule(iterations=120, epochs=6, validations=2, checkpoints=3)
    costs = dict(start=9, begin=steps.begin, step=steps.step, epoch=steps.epoch)
    costs |= dict(rare=[(0.5, 50)], validation=11, checkpoint=0.25, end=1)
    bill = total(schedule, costs)

    assert (steps.step, steps.epoch, steps.count) == (2, 7, 10 + 9)
    assert bill['total'] == pytest.approx(run.sum() + 9 + 3 * 0.5 + 22 + 0.75 + 1)
    assert bill['total'] == pytest.approx(sum(bill.values()) / 2)


def test_short_epochs_cost_their_mean():
    """Epochs of two steps, of which the first waits: no step is without a beginning."""
    run = [9.0, 1.0] + [5.0, 1.0] * 4
    steps = split_steps(run, warmup=2, starts=[2, 4, 6, 8], settling=4)
    assert steps.step == 3
    assert steps.epoch == 0
    assert steps.begin == (9 - 3) + (1 - 3)


def test_the_sum_takes_means_where_the_median_would_hide_the_slow_steps():
    steps = split_steps([1, 1, 1, 11, 1, 1, 1, 11], warmup=0, starts=[], settling=1)
    assert steps.step == pytest.approx(3.5)
    assert steps.median == 1


def test_a_beginning_in_the_warm_up_is_counted_once():
    steps = split_steps([8, 2, 7, 2, 2, 2], warmup=4, starts=[2], settling=1)
    assert (steps.step, steps.epoch, steps.begin) == (2, 0, 6 + 5)


def test_nothing_behind_the_warm_up_is_no_sample():
    with pytest.raises(ValueError, match='2 iterations, 2 of them to warm up'):
        split_steps([1.0, 2.0], warmup=2, starts=[], settling=1)
