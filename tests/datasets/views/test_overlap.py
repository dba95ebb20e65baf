import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsp.datasets.views.overlap import draw_pair, overlap


def slow_overlap(one, other, measure):
    masks = np.zeros((2, 40, 40), bool)
    for mask, (top, left, height, width) in zip(masks, (one, other), strict=True):
        mask[top : top + height, left : left + width] = True
    common = (masks[0] & masks[1]).sum()
    if measure == 'iou':
        return common / (masks[0] | masks[1]).sum()
    return common / masks.sum(axis=(1, 2)).min()


def test_overlap_by_hand():
    one, other = (0, 0, 10, 20), (5, 10, 10, 20)
    assert overlap(one, other) == pytest.approx(50 / 350)
    assert overlap(one, (5, 10, 5, 5), 'share') == 1
    assert overlap(one, (10, 0, 5, 5)) == 0
    with pytest.raises(ValueError, match="'iou', 'share', got 'dice'"):
        overlap(one, other, 'dice')


BOX = st.tuples(*[st.integers(0, 19)] * 2, *[st.integers(1, 20)] * 2)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(BOX, BOX, st.sampled_from(['iou', 'share']))
def test_overlap_counts_pixels(one, other, measure):
    assert overlap(one, other, measure) == pytest.approx(
        slow_overlap(one, other, measure)
    )


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    st.integers(1, 80),
    st.integers(1, 80),
    st.floats(0, 1),
    st.sampled_from(['iou', 'share']),
    st.integers(0, 999),
)
def test_pairs_lie_in_the_image_and_overlap_enough(height, width, least, measure, seed):
    rng = np.random.RandomState(seed)
    pair = draw_pair(height, width, rng, least, measure)
    for top, left, rows, columns in pair:
        assert 0 <= top <= top + rows <= height
        assert 0 <= left <= left + columns <= width
        assert min(rows, columns) >= 1
    assert overlap(*pair, measure) >= least


def test_without_a_least_overlap_boxes_may_lie_apart():
    rng = np.random.RandomState(0)
    pairs = [draw_pair(64, 64, rng, area=(0.05, 0.2)) for _ in range(50)]
    overlaps = np.array([overlap(*pair) for pair in pairs])
    assert (overlaps == 0).any()
    assert (overlaps > 0).any()


def test_areas_and_aspects_are_those_asked_for():
    rng = np.random.RandomState(0)
    boxes = [
        box
        for _ in range(300)
        for box in draw_pair(200, 200, rng, area=(0.2, 0.4), aspect=(0.5, 1))
    ]
    _, _, heights, widths = np.array(boxes).T
    areas = heights * widths / 200**2
    assert 0.19 < areas.min() < 0.22
    assert 0.38 < areas.max() < 0.41
    ratios = widths / heights
    assert 0.48 < ratios.min() < 0.55
    assert 0.95 < ratios.max() < 1.02


@pytest.mark.parametrize(
    'wrong', [dict(least=1.1), dict(area=(0, 1)), dict(aspect=(2, 1))]
)
def test_arguments_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match='expected'):
        draw_pair(8, 8, np.random.RandomState(0), **wrong)
