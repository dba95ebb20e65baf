import math

import numpy as np
import pytest

from rsp.ops.schedules import cosine, linear, milestones_reached


@pytest.mark.parametrize(
    ('epoch', 'temperature'),
    [(0, 0.04), (1, 0.0406122), (24, 0.0546939), (49, 0.07), (50, 0.07), (399, 0.07)],
)
def test_teacher_temperature(epoch, temperature):
    """Nothing asks how long the run is, so one epoch is enough."""
    assert linear(epoch, 50, 0.04, 0.07) == pytest.approx(temperature, abs=1e-7)


@pytest.mark.parametrize('points', [1, 2, 7])
def test_linear_steps_are_those_of_linspace(points):
    ours = [linear(i, points, 0.1, 0.9) for i in range(points)]
    assert ours[-1] == 0.9
    if points > 1:
        np.testing.assert_allclose(ours, np.linspace(0.1, 0.9, points))


def test_teacher_momentum_of_four_steps():
    """Factors and a scalar teacher that follows a student at 1."""
    shares = [cosine(n, 4, 0.004, 0.0) for n in range(4)]
    expected = [0.996, 0.9965858, 0.998, 0.9994142]
    np.testing.assert_allclose(1 - np.array(shares), expected, atol=1e-7)
    teacher, seen = 0.0, []
    for share in shares:
        teacher += share * (1 - teacher)
        seen.append(teacher)
    np.testing.assert_allclose(
        seen, [0.004, 0.0074006, 0.0093858, 0.0099660], atol=1e-7
    )


def test_the_teacher_is_frozen_at_the_end():
    assert cosine(2, 4, 0.004, 0.0) == pytest.approx(0.002)
    assert cosine(4, 4, 0.004, 0.0) == 0
    assert cosine(9, 4, 0.004, 0.0) == 0


PUBLISHED = (0, 8_000, 168_000, 328_000, 488_000)


def updates(batch, steps):
    """Steps, counted from 1, that begin with a milestone newly reached."""
    before, found = 0, []
    for step in steps:
        reached = milestones_reached((step - 1) * batch, PUBLISHED)
        found += [step] * (reached - before)
        before = reached
    return found


@pytest.mark.parametrize(
    ('batch', 'expected'),
    [
        (8, [1, 1001, 21001, 41001, 61001, 122001, 183001, 244001]),
        (16, [1, 501, 10501, 20501, 30501, 61001, 91501, 122001]),
    ],
)
def test_published_updates_of_the_teacher(batch, expected):
    assert updates(batch, range(1, expected[-1] + 100)) == expected


@pytest.mark.parametrize('batch', [8, 12, 16, 128])
def test_a_whole_run_has_33_updates(batch):
    begun = (math.ceil(14_319_500 / batch) - 1) * batch
    assert milestones_reached(begun, PUBLISHED) == 33
    steps = range(1, 1_769_010)
    if batch == 8:
        assert updates(8, steps)[-1] == 1_769_001


def test_the_last_milestone_recurs():
    reached = [milestones_reached(images, (0, 8, 20)) for images in range(0, 81, 4)]
    seen = {images: n for images, n in zip(range(0, 81, 4), reached, strict=True)}
    assert [i for i in seen if i == 0 or seen[i] > seen[i - 4]] == [
        0,
        8,
        20,
        40,
        60,
        80,
    ]
    assert reached[-1] == 6
    assert milestones_reached(4, (5,)) == 0
