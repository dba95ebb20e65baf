"""Windows over images, and what they show of objects."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsp.tasks.common.dota_patches import Patch, seen_shares, windows


def offsets(length, size, gap):
    """Left borders of the windows along a side."""
    return [x for _, x, _ in windows(length, size, [size], [gap])]


few = settings(max_examples=50, deadline=None, derandomize=True)


@pytest.mark.parametrize(
    ('length', 'expected'),
    [
        (500, [0]),
        (1024, [0]),
        (1025, [0, 1]),
        (1848, [0, 824]),
        (2000, [0, 824, 976]),
        (4000, [0, 824, 1648, 2472, 2976]),
    ],
)
def test_published_windows_along_a_side(length, expected):
    """Patches of 1024 that overlap by 200, worked out by hand."""
    assert offsets(length, 1024, 200) == expected


@few
@given(st.integers(1, 300), st.integers(2, 80), st.data())
def test_windows_cover_a_side_and_stay_inside(length, size, data):
    gap = data.draw(st.integers(0, size - 1))
    found = offsets(length, size, gap)
    assert found == sorted(set(found))
    assert found[0] == 0
    assert found[-1] + size == max(length, size)
    assert all(b - a <= size - gap for a, b in pairwise(found))


@few
@given(st.integers(1, 200), st.integers(1, 200), st.integers(8, 60), st.data())
def test_every_pixel_is_in_a_window(width, height, size, data):
    gap = data.draw(st.integers(0, size - 1))
    seen = np.zeros((height, width), dtype=bool)
    for side, x, y in windows(width, height, [size], [gap]):
        assert side == size
        seen[y : y + side, x : x + side] = True
    assert seen.all()


@few
@given(st.integers(1, 90), st.integers(1, 90), st.data())
def test_an_object_no_larger_than_the_overlap_is_whole_in_a_window(width, height, data):
    size, gap = 40, 12
    w = data.draw(st.integers(1, min(gap, width)))
    h = data.draw(st.integers(1, min(gap, height)))
    x, y = data.draw(st.integers(0, width - w)), data.draw(st.integers(0, height - h))
    box = np.array([[x, y, x + w, y, x + w, y + h, x, y + h]], float)
    spots = [(a, b, a + s, b + s) for s, a, b in windows(width, height, [size], [gap])]
    assert seen_shares(box, np.array(spots, float)).max() == 1


def test_scales_that_an_image_hardly_fills_are_left_out():
    """1500 of 2048 squared is 54 %; alone, that scale stays."""
    both = windows(1500, 1500, [1024, 2048], [200, 400])
    assert {size for size, _, _ in both} == {1024}
    assert windows(1500, 1500, [2048], [400]) == [(2048, 0, 0)]
    assert windows(300, 300, [1024, 2048], [200, 400]) == [(1024, 0, 0)]


def test_a_gap_that_never_advances_is_refused():
    with pytest.raises(ValueError, match='stride of at least 1, got 32 and 0'):
        windows(100, 100, [32], [32])


def test_shares_of_known_shapes():
    polygons = np.array(
        [
            [0, 0, 10, 0, 10, 4, 0, 4],
            [5, 0, 10, 5, 5, 10, 0, 5],  # a diamond
            [0, 0, 10, 10, 10, 0, 0, 10],  # sides cross: its hull counts
            [2, 2, 4, 2, 6, 2, 8, 2],  # flat
        ],
        dtype=float,
    )
    boxes = np.array([[0, 0, 10, 10], [0, 0, 5, 10], [-5, -5, 5, 5], [20, 0, 30, 10]])
    expected = [[1, 0.5, 0.5, 0], [1, 0.5, 0.25, 0], [1, 0.5, 0.25, 0], [0] * 4]
    shares = seen_shares(polygons, boxes.astype(float))
    np.testing.assert_allclose(shares, expected, atol=1e-12)
    assert (shares[:3, 0] == 1).all()
    assert seen_shares(np.zeros((0, 8)), boxes.astype(float)).shape == (0, 4)


@few
@given(st.lists(st.floats(0, 60), min_size=4, max_size=4), st.floats(0, 3.1))
def test_shares_agree_with_counted_points(numbers, angle):
    """A fine grid of points inside the box, counted window by window."""
    x, y, w, h = numbers
    w, h = w + 4, h + 4
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = np.array([[-w, -h], [w, -h], [w, h], [-w, h]]) / 2 @ turn.T + [x, y]
    unit = (np.arange(100) + 0.5) / 100 - 0.5
    grid = np.stack(np.meshgrid(unit * w, unit * h), axis=-1).reshape(-1, 2)
    points = grid @ turn.T + [x, y]
    boxes = np.array([[0, 0, 30, 30], [10, 20, 50, 60], [-40, -40, 100, 100]], float)
    counted = [
        ((points >= box[:2]) & (points <= box[2:])).all(axis=1).mean() for box in boxes
    ]
    shares = seen_shares(corners.reshape(1, 8), boxes)[0]
    np.testing.assert_allclose(shares, counted, atol=0.03)


@few
@given(st.from_regex(r'[A-Za-z0-9_.]{1,12}', fullmatch=True), st.integers(1, 3000))
def test_names_tell_their_window(image, size):
    patch = Patch(image, size, 824, 0)
    assert Patch.from_name(patch.name) == patch


def test_a_name_may_hold_an_earlier_window():
    """As DOTA's example images do; mmrotate would call this image P0706."""
    assert Patch.from_name('P0706__0.5__0___0__1024__824___0') == Patch(
        'P0706__0.5__0___0', 1024, 824, 0
    )
    with pytest.raises(ValueError, match=r"expected a patch .* got 'P0706'"):
        Patch.from_name('P0706')
