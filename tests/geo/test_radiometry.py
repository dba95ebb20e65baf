import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from rsp.geo.radiometry import Reflectance, Stretch, joint_percentiles, stretch
from rsp.geo.scene import RANKS, read_scene

PIXELS = np.array([100, 200, 300, 50, 400])


@pytest.mark.parametrize('dtype', ['uint16', 'int16', 'int32', 'float32', 'float64'])
def test_published_values(dtype):
    pixels = PIXELS.astype(dtype)[:, None, None]
    out = stretch(pixels, np.array([[100.0, 300.0]]))
    assert out.dtype == np.uint8
    assert out.ravel().tolist() == [0, 127, 255, 0, 255]


@pytest.mark.parametrize('dtype', ['uint8', 'int8', 'uint16', 'int16'])
def test_tables_give_what_the_formula_gives(dtype):
    info = np.iinfo(dtype)
    values = np.linspace(info.min, info.max, 300).astype(dtype)
    pixels = np.stack([values, values[::-1]], axis=-1).reshape(20, 15, 2)
    limits = np.array([[info.min * 0.4 + 3, info.max * 0.7], [1.5, info.max * 0.2]])
    wanted = (pixels - limits[:, 0]) / (limits[:, 1] - limits[:, 0]) * 255
    wanted = wanted.clip(0, 255).astype(np.uint8)
    assert_array_equal(stretch(pixels, limits), wanted)
    assert_array_equal(stretch(pixels.astype(np.float64), limits), wanted)


def test_a_band_of_one_value_becomes_black():
    pixels = np.full((2, 3, 1), 7, np.uint16)
    assert not stretch(pixels, np.array([[7.0, 7.0]])).any()
    assert not stretch(pixels.astype(np.float32), np.array([[7.0, 7.0]])).any()


def test_nan_becomes_black():
    pixels = np.full((2, 3, 1), np.nan, np.float32)
    assert not stretch(pixels, np.array([[0.0, 1.0]])).any()


@pytest.fixture
def scene(write_scene):
    rng = np.random.default_rng(0)
    levels = np.array([1000, 3000, 500])[:, None, None]
    pixels = rng.normal(levels, levels / 8, (3, 200, 180)).clip(1).astype(np.uint16)
    return read_scene(write_scene('a.tif', pixels=pixels), 'a.tif'), pixels


def test_joint_limits_are_the_percentiles_of_all_bands(scene):
    scene, pixels = scene
    limits = Stretch().range_of(scene, (1, 2, 3))
    assert_allclose(limits, [np.percentile(pixels, (1, 99))] * 3)
    # Ratios between bands stay: one straight line for all of them.
    assert (limits == limits[0]).all()


def test_limits_per_band(scene):
    scene, pixels = scene
    limits = Stretch(per_band=True).range_of(scene, (3, 1))
    wanted = [np.percentile(pixels[band], (1, 99)) for band in (2, 0)]
    assert_allclose(limits, wanted)


@pytest.mark.parametrize('bands', [(1,), (3, 1), (2, 3)])
def test_joint_limits_of_some_bands(scene, bands):
    scene, pixels = scene
    limits = Stretch().range_of(scene, bands)
    chosen = pixels[np.array(bands) - 1]
    ranks = [(chosen <= limit).mean() * 100 for limit in limits[0]]
    assert_allclose(ranks, (1, 99), atol=0.15)


def test_joint_percentiles_where_bands_are_all_one_value():
    quantiles = np.array([[5.0] * len(RANKS), [9.0] * len(RANKS)])
    low, high = joint_percentiles(quantiles, (1, 99))
    assert 5 <= low < high <= 9


def test_given_limits(scene):
    scene, _ = scene
    assert_array_equal(
        Stretch(limits=(0, 3000)).range_of(scene, (2, 1)), [[0, 3000]] * 2
    )
    pairs = [[0, 3000], [10, 500]]
    assert_array_equal(Stretch(limits=pairs).range_of(scene, (2, 1)), pairs)
    with pytest.raises(ValueError, match='for 3 bands, got 2'):
        Stretch(limits=pairs).range_of(scene, (1, 2, 3))


@pytest.mark.parametrize(
    'wrong', [dict(percentiles=(99, 1)), dict(limits=(3, 3)), dict(limits=(1, 2, 3))]
)
def test_a_stretch_without_range_is_refused(wrong):
    with pytest.raises(ValueError, match='expected'):
        Stretch(**wrong)


def test_reflectance_by_hand():
    pixels = np.array([[[1000, 2000]]], np.uint16)
    assert_allclose(Reflectance(scale=1e-4)(pixels), [[[0.1, 0.2]]], rtol=1e-6)
    normalized = Reflectance(1e-4, mean=[0.1, 0.1], std=[0.5, 0.2])(pixels)
    assert normalized.dtype == np.float32
    assert_allclose(normalized, [[[0, 0.5]]], atol=1e-6)
    with pytest.raises(ValueError, match='for 2 bands, got 1'):
        Reflectance(mean=[0.0], std=[1.0])(pixels)
    for wrong in (dict(mean=[0.0]), dict(mean=[0.0], std=[0.0])):
        with pytest.raises(ValueError, match='expected'):
            Reflectance(**wrong)
