"""Boxes around polygons and masks of a COCO json."""

import numpy as np
import pytest

from rsp.tasks.common.segmentation import outline, rotated_corners, upright_box

SQUARE = [[10, 5, 30, 5, 30, 20, 10, 20]]


def rectangle(angle, size=(40.0, 12.0), center=(70.0, 55.0)):
    """Corners (4, 2) of a turned rectangle."""
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * np.array(size) / 2
    return corners @ turn + center


def test_the_upright_box_spans_all_parts():
    parts = [*SQUARE, [50, 2, 60, 2, 60, 9]]
    assert upright_box(outline(parts, 80, 96)) == [10, 2, 60, 20]
    # One polygon without a list around it, as some tools write.
    assert upright_box(outline(SQUARE[0], 80, 96)) == [10, 5, 30, 20]


@pytest.mark.parametrize('angle', np.linspace(0, np.pi, 7)[:-1])
def test_the_rotated_box_of_a_rectangle_is_itself(angle):
    """Also with further points inside and along its sides."""
    corners = rectangle(angle)
    middles = (corners + np.roll(corners, 1, axis=0)) / 2
    inside = corners.mean(axis=0) + 0.4 * (corners - corners.mean(axis=0))
    points = np.concatenate([middles, corners, inside])
    found = np.reshape(rotated_corners(points), (4, 2))
    for corner in corners:
        assert np.abs(found - corner).sum(axis=1).min() < 1e-3
    sides = np.linalg.norm(found - np.roll(found, 1, axis=0), axis=1)
    np.testing.assert_allclose(np.sort(sides), [12, 12, 40, 40], atol=1e-3)


def test_a_mask_counts_whole_pixels():
    """By both spellings of run-length encoding."""
    coding = pytest.importorskip('pycocotools.mask')
    mask = np.zeros((80, 96), np.uint8)
    mask[5:20, 10:30] = 1
    rle = coding.encode(np.asfortranarray(mask))
    points = outline(rle, 80, 96)
    assert upright_box(points) == [10, 5, 30, 20]
    corners = np.sort(np.reshape(rotated_corners(points), (4, 2)), axis=0)
    np.testing.assert_allclose(corners, [[10, 5], [10, 5], [30, 20], [30, 20]], 1e-5)
    runs, last = [0], 0
    for value in mask.T.reshape(-1):
        runs, last = (
            ([*runs, 1], value) if value != last else ([*runs[:-1], runs[-1] + 1], last)
        )
    plain = outline(dict(size=[80, 96], counts=runs), 80, 96)
    assert upright_box(plain) == [10, 5, 30, 20]


@pytest.mark.parametrize(
    ('segmentation', 'words'),
    [
        ([[1, 2, 3, 4]], 'at least three corners'),
        ([[1, 2, 3, 4, 5, 6, 7]], 'at least three corners'),
        ([[1, 2, 3, 4, 5, 'x']], 'at least three corners'),
        ([[1, 2, 3, 4, 5, float('nan')]], 'corners that are no numbers'),
        ([[0.1, 0.2, 0.3, 0.2, 0.3, 0.4]], 'in shares of the image'),
        ([[]], 'at least three corners'),
        ('1 2 3', 'expected polygons as its segmentation'),
        (dict(size=[96, 80], counts=[5]), r'the size \[80, 96\] \(height, width\)'),
        (dict(size=[80, 96], counts=[1, 99999]), 'runs of 7680 pixels .* got 100000'),
        (dict(size=[80, 96]), "expected 'counts' and the size"),
        (dict(size=[80, 96], counts=[80 * 96]), 'an empty mask'),
    ],
)
def test_what_is_no_outline_is_refused(segmentation, words):
    with pytest.raises(ValueError, match=words):
        outline(segmentation, 80, 96)
