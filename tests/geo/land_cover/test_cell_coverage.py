"""Shares of cells inside a polygon, against clipping every cell by itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsp.geo.land_cover.cell_coverage import cell_coverage

SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]], float)
coordinate = st.floats(-6, 14, allow_nan=False).map(lambda v: round(v, 3))


def on_grid(rings, shape):
    """Place the result in the whole grid."""
    top, left, shares = cell_coverage(rings, shape)
    full = np.zeros(shape)
    full[top : top + shares.shape[0], left : left + shares.shape[1]] = shares
    return full


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=3))
def test_triangles_cover_what_clipping_each_cell_gives(corners):
    ring = np.array([*corners, corners[0]])
    expected = [[abs(area(clipped(corners, i, j))) for i in range(9)] for j in range(7)]
    np.testing.assert_allclose(on_grid([ring], (7, 9)), expected, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=3),
    st.integers(-3, 3),
    st.integers(-3, 3),
)
def test_a_shift_by_whole_cells_shifts_the_shares(corners, dx, dy):
    ring = np.array([*corners, corners[0]])
    big = on_grid([ring + 20], (60, 60))
    moved = on_grid([ring + 20 + (dx, dy)], (60, 60))
    np.testing.assert_allclose(np.roll(big, (dy, dx), (0, 1)), moved, atol=2e-6)
    assert big.sum() == pytest.approx(abs(area(corners)), abs=1e-4)


def test_a_window_on_the_grid_covers_its_cells_exactly():
    # 1e-9 cells beside: what an affine map and its inverse leave.
    top, left, shares = cell_coverage([SQUARE * (5, 3) + (2 + 1e-9, 4)], (30, 20))
    assert (top, left) == (4, 2)
    np.testing.assert_array_equal(shares, np.ones((3, 5)))


def test_a_window_beside_the_grid_in_both_axes_covers_its_fractions():
    _, _, shares = cell_coverage([SQUARE * (1.5, 2.5) + (0.25, 0.5)], (9, 9))
    np.testing.assert_allclose(shares, np.outer([0.5, 1, 1], [0.75, 0.75]), atol=1e-9)


def test_a_hole_is_not_covered_and_either_direction_will_do():
    outer, hole = SQUARE * 4, (SQUARE * 2 + 1)[::-1]
    expected = np.ones((4, 4))
    expected[1:3, 1:3] = 0
    np.testing.assert_array_equal(on_grid([outer, hole], (4, 4)), expected)
    np.testing.assert_array_equal(on_grid([outer[::-1], hole[::-1]], (4, 4)), expected)


@pytest.mark.parametrize('shift', [(-9, 0), (9, 0), (0, -9), (0, 9)])
def test_a_polygon_beside_the_grid_covers_nothing(shift):
    assert cell_coverage([SQUARE * 3 + shift], (5, 5))[2].size == 0


def test_a_polygon_larger_than_the_grid_covers_all_of_it():
    np.testing.assert_array_equal(on_grid([SQUARE * 30 - 9], (4, 5)), np.ones((4, 5)))


def test_the_rings_are_left_as_they_were():
    ring = SQUARE * 3 + 0.1234567
    before = ring.copy()
    cell_coverage([ring], (5, 5))
    np.testing.assert_array_equal(ring, before)


def clipped(corners, i, j):
    """A polygon cut to one cell by Sutherland and Hodgman."""
    points = [tuple(c) for c in corners]
    for axis, limit, sign in ((0, i, 1), (0, i + 1, -1), (1, j, 1), (1, j + 1, -1)):
        result = []
        for a, b in zip(points, points[1:] + points[:1], strict=True):
            da, db = sign * (a[axis] - limit), sign * (b[axis] - limit)
            if da >= 0:
                result.append(a)
            if (da > 0) != (db > 0) and da != db:
                t = da / (da - db)
                result.append(tuple(p + t * (q - p) for p, q in zip(a, b, strict=True)))
        points = result
    return points


def area(points):
    """Signed area by the shoelace formula."""
    if len(points) < 3:
        return 0.0
    x, y = np.array(points, float).T
    return 0.5 * float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))
