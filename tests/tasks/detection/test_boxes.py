import math

import pytest

from rsp.tasks.detection import boxes

WIDTH, HEIGHT = 30, 20


@pytest.mark.parametrize(
    ('box', 'word'),
    [
        ((0, 0, 30, 20), None),
        ((0, 0, 30.005, 20), None),
        ((5, 4, 5, 9), 'no area'),
        ((9, 4, 5, 9), 'no area'),
        ((5, 9, 9, 4), 'no area'),
        ((-1, 4, 5, 9), 'outside'),
        ((5, 4, 31, 9), 'outside'),
        ((5, 4, 9, 20.5), 'outside'),
        ((5, 4, math.nan, 9), 'no numbers'),
    ],
)
def test_a_fault_is_named(box, word):
    found = boxes.fault(box, WIDTH, HEIGHT)
    assert found is None if word is None else word in found


def test_a_cut_box_is_the_part_inside():
    assert boxes.cut((-3, 4, 33, 9), WIDTH, HEIGHT) == (0, 4, 30, 9)
    assert boxes.cut((5, 4, 9, 8), WIDTH, HEIGHT) == (5, 4, 9, 8)


@pytest.mark.parametrize('box', [(31, 4, 35, 9), (9, 4, 5, 9), (5, -9, 9, 0)])
def test_of_a_box_outside_or_reversed_nothing_remains(box):
    assert boxes.cut(box, WIDTH, HEIGHT) is None
