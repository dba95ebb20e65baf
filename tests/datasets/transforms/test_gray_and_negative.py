import numpy as np
import pytest
from mmcv.transforms import RandomGrayscale as Original
from mmpretrain.datasets.transforms import Solarize

from rsp.datasets.transforms import RandomGrayscale, RandomSolarize

DECIBELS = [(-25.0, 0.0), (-32.5, 0.0)]


def pixels(*shape):
    return np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)


def test_gray_is_that_of_mmcv_where_there_are_three_bands():
    weights = (0.114, 0.587, 0.2989)
    ours = RandomGrayscale(1.0, weights)(dict(img=pixels(6, 5, 3)))['img']
    theirs = Original(1.0, True, weights)(dict(img=pixels(6, 5, 3)))['img']
    assert np.abs(ours.astype(int) - theirs).max() <= 1  # theirs are cut, not rounded


@pytest.mark.parametrize('bands', [1, 2, 13])
def test_every_band_shows_the_mean_of_all(bands):
    image = pixels(6, 5, bands)
    gray = RandomGrayscale(1.0)(dict(img=image.copy()))['img']
    np.testing.assert_allclose(
        gray, np.broadcast_to(image.mean(-1, keepdims=True), gray.shape), atol=0.5
    )


def test_gray_keeps_black_and_white_of_each_band():
    low, high = np.float32(DECIBELS).T
    for share in (0, 0.25, 1):
        image = np.full((4, 3, 2), low + share * (high - low), np.float32)
        results = dict(img=image.copy(), value_range=DECIBELS)
        np.testing.assert_allclose(
            RandomGrayscale(1.0)(results)['img'], image, atol=1e-5
        )


def test_wrong_weights_are_refused_even_if_nothing_is_drawn():
    with pytest.raises(
        ValueError, match=r'all bands of the image, 13, got 3; give one'
    ):
        RandomGrayscale(0.0, (1, 1, 1))(dict(img=pixels(4, 4, 13)))


def test_the_negative_is_that_of_mmpretrain_in_8_bits():
    ours = RandomSolarize(prob=1.0)(dict(img=pixels(16, 16, 3)))['img']
    theirs = Solarize(thr=128, prob=1.0)(dict(img=pixels(16, 16, 3)))['img']
    assert (ours == theirs).all()


def test_bright_decibels_turn_dark():
    image = np.float32([[[-5.0, -30.0]]])
    results = dict(img=image, value_range=DECIBELS)
    np.testing.assert_allclose(
        RandomSolarize(prob=1.0)(results)['img'], [[[-20.0, -30.0]]]
    )


@pytest.mark.parametrize(
    'transform', [RandomGrayscale(prob=0.0), RandomSolarize(prob=0.0)]
)
def test_probability_zero_changes_nothing_but_asks_for_the_range(transform):
    image = pixels(4, 4, 2)
    assert (transform(dict(img=image.copy()))['img'] == image).all()
    with pytest.raises(ValueError, match='which values are black and white'):
        transform(dict(img=image.astype(np.float32)))
    with pytest.raises(ValueError, match='one per band, 2, got 3'):
        transform(dict(img=image.astype(np.float32), value_range=[(0, 1)] * 3))
