import numpy as np
import pytest

from rsp.datasets.transforms import GaussianNoise, RandomBlur


def flat(value=128):
    return np.full((64, 48, 3), value, np.uint8)


def test_noise_has_the_wanted_variance():
    noisy = GaussianNoise((30.0, 30.0), prob=1.0)(dict(img=flat()))['img']
    error = noisy.astype(float) - 128
    # Rounding to whole gray values adds 1/12.
    assert error.var() == pytest.approx(30 + 1 / 12, rel=0.1)
    assert abs(error.mean()) < 0.3


def test_noise_differs_by_channel():
    noisy = GaussianNoise(prob=1.0)(dict(img=flat()))['img']
    assert (noisy[..., 0] != noisy[..., 1]).any()


def test_noise_stays_within_gray_values():
    noisy = GaussianNoise((50.0, 50.0), prob=1.0)(dict(img=flat(255)))['img']
    assert noisy.dtype == np.uint8
    assert noisy.min() > 200


def point():
    image = flat(0)
    image[32, 24] = 255
    return image


def test_blur_spreads_a_point_within_its_kernel():
    for _ in range(20):
        blurred = RandomBlur(kernel=(3, 7), sigma=(2.0, 2.0))(dict(img=point()))['img']
        rows, columns = np.nonzero(blurred[..., 0])
        assert np.abs(rows - 32).max() <= 3
        assert np.abs(columns - 24).max() <= 3
        assert blurred[32, 24, 0] < 255


def test_all_odd_kernels_are_drawn():
    widths = set()
    for _ in range(60):
        blurred = RandomBlur(kernel=(3, 7), sigma=(2.0, 2.0))(dict(img=point()))['img']
        widths.add(int(np.ptp(np.nonzero(blurred[..., 0])[0])) + 1)
    assert widths == {3, 5, 7}


@pytest.mark.parametrize('transform', [RandomBlur(prob=0.0), GaussianNoise(prob=0.0)])
def test_probability_zero_changes_nothing(transform):
    assert (transform(dict(img=point()))['img'] == point()).all()


def test_even_kernels_are_refused():
    with pytest.raises(ValueError, match=r'two odd numbers, rising'):
        RandomBlur(kernel=(2, 6))


def test_a_falling_range_of_variances_is_refused():
    with pytest.raises(ValueError, match=r'\(low, high\), got'):
        GaussianNoise((50.0, 10.0))


@pytest.mark.parametrize(('dtype', 'high'), [(np.float32, 1.0), (np.uint16, 10_000)])
def test_noise_is_a_share_of_the_range(dtype, high):
    image = np.full((64, 48, 13), high / 2).astype(dtype)
    results = dict(img=image, value_range=(0, high))
    noisy = GaussianNoise((30.0, 30.0), prob=1.0)(results)['img']
    assert noisy.dtype == dtype
    error = (noisy.astype(float) - high / 2) / high * 255
    assert error.var() == pytest.approx(30, rel=0.1)


def test_noise_on_floats_of_an_unknown_range_is_refused():
    with pytest.raises(ValueError, match='which values are black and white'):
        GaussianNoise()(dict(img=np.zeros((4, 4, 13), np.float32)))


@pytest.mark.parametrize('bands', [2, 13])
def test_blur_takes_any_number_of_bands(bands):
    image = np.zeros((32, 32, bands), np.float32)
    image[16, 16] = np.arange(1, bands + 1)
    blurred = RandomBlur(kernel=(7, 7), sigma=(1.0, 1.0))(dict(img=image))['img']
    np.testing.assert_allclose(blurred.sum((0, 1)), np.arange(1, bands + 1), rtol=1e-4)
