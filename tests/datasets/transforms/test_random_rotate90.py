import numpy as np
import pytest

from rsp.datasets.transforms import RandomRotate90


def image(height=5, width=7, bands=4):
    return np.random.default_rng(0).random((height, width, bands), dtype=np.float32)


def turn(pixels, prob=1.0):
    return RandomRotate90(prob).transform(dict(img=pixels.copy()))


def test_all_four_turns_come_and_move_pixels_only():
    expected = [np.rot90(image(), turns) for turns in range(4)]
    seen = set()
    for _ in range(40):
        results = turn(image())
        (found,) = [
            turns
            for turns, wanted in enumerate(expected)
            if wanted.shape == results['img'].shape and (wanted == results['img']).all()
        ]
        seen.add(found)
        assert results['img_shape'] == results['img'].shape[:2]
        assert results['img'].flags.c_contiguous
    assert seen == {0, 1, 2, 3}


def test_three_of_eight_images_are_turned():
    """Section 4: one of 0, 90, 180, 270 degrees with probability one half."""
    count, pixels = 2000, image(2, 2, 1)
    moved = sum((turn(pixels, 0.5)['img'] != pixels).any() for _ in range(count))
    # Four standard deviations.
    assert moved / count == pytest.approx(3 / 8, abs=0.043)


def test_an_impossible_share_is_refused():
    with pytest.raises(ValueError, match=r"'prob' of rsp.RandomRotate90.*got 2"):
        RandomRotate90(2)
