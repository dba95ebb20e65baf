import json

import numpy as np
import pytest
from affine import Affine

from rsp.geo.nodata import nodata_mask, valid_pixels
from rsp.geo.scene import RANKS, Scene, coarse_shape, decimation_of, read_scene


def test_the_facts_of_a_file(write_scene):
    turned = Affine.translation(500_000, 5_000_000) @ Affine.rotation(30)
    file = write_scene(
        'a.tif',
        width=600,
        height=300,
        bands=4,
        tiled=True,
        blockxsize=64,
        blockysize=32,
        compress='deflate',
        interleave='pixel',
        nodata=0,
        transform=turned @ Affine.scale(10, -5),
    )
    scene = read_scene(file, 'a.tif')
    assert (scene.width, scene.height, scene.bands) == (600, 300, 4)
    assert (scene.dtype, scene.dtypes_differ, scene.crs) == (
        'uint16',
        False,
        'EPSG:32633',
    )
    assert scene.block == (32, 64)
    assert (scene.interleave, scene.compression) == ('pixel', 'DEFLATE')
    assert (scene.mask, scene.nodata) == ('nodata', (0,) * 4)
    assert scene.pixel_size == pytest.approx((10, 5))
    assert scene.affine == turned @ Affine.scale(10, -5)
    assert scene.size == file.stat().st_size


def test_a_scene_survives_json(write_scene):
    mask = np.full((80, 100), 255, np.uint8)
    mask[:, :30] = 0
    scene = read_scene(write_scene('a.tif', mask=mask), 'a.tif')
    assert Scene.from_json(json.loads(json.dumps(scene.to_json()))) == scene
    assert (scene.valid_mask == (mask > 0)).all()
    assert scene.mask == 'band'


def test_statistics_of_a_small_scene_are_those_of_its_valid_pixels(write_scene):
    rng = np.random.default_rng(0)
    pixels = rng.integers(1, 5000, (3, 200, 120), np.uint16)
    pixels[:, :50] = 0  # fill that the file does not declare
    scene = read_scene(write_scene('a.tif', pixels=pixels), 'a.tif')
    valid = pixels[:, 50:].reshape(3, -1)
    assert scene.decimation == 1
    assert scene.valid_share == 0.75
    assert scene.stretch == pytest.approx(np.percentile(valid, (1, 99)))
    assert scene.mean == pytest.approx(valid.mean(axis=1))
    assert scene.std == pytest.approx(valid.std(axis=1))
    wanted = np.percentile(valid, RANKS, axis=1).T
    np.testing.assert_allclose(scene.quantiles, wanted)


def test_large_scenes_are_read_at_a_twentieth(write_scene):
    assert decimation_of(10_000, 300) == 20
    assert decimation_of(5119, 5119) == 19
    assert decimation_of(100, 80) == 1
    assert coarse_shape(101, 40, 20) == (6, 2)
    pixels = np.zeros((1, 5200, 110), np.uint8)
    pixels[:, 2600:] = 9
    scene = read_scene(write_scene('a.tif', pixels=pixels), 'a.tif')
    assert scene.decimation == 20
    assert scene.valid_mask.shape == (260, 6)
    assert (scene.valid_mask == (np.arange(260) >= 130)[:, None]).all()


def test_a_scene_without_data_has_no_statistics(write_scene):
    scene = read_scene(
        write_scene('a.tif', pixels=np.full((2, 9, 8), 5, np.uint8), nodata=5), 'a.tif'
    )
    assert (scene.valid_share, scene.stretch, scene.mean) == (0.0, None, ())
    assert not scene.valid_mask.any()


@pytest.mark.filterwarnings('ignore::rasterio.errors.NotGeoreferencedWarning')
def test_a_scene_without_georeference_says_so(write_scene):
    scene = read_scene(write_scene('a.tif', crs=None, transform=None), 'a.tif')
    assert scene.crs is scene.transform is scene.pixel_size is None


@pytest.mark.parametrize('layout', [{}, dict(tiled=True, compress='deflate')])
def test_a_truncated_file_is_refused_by_name(write_scene, layout):
    pixels = np.random.default_rng(0).integers(256, size=(3, 300, 300), dtype=np.uint8)
    file = write_scene('whole.tif', pixels=pixels, **layout)
    data = file.read_bytes()
    file.write_bytes(data[: len(data) * 3 // 4])
    with pytest.raises(ValueError, match=r'whole\.tif'):
        read_scene(file, 'whole.tif')


def test_valid_is_what_differs_from_no_data_in_any_band():
    pixels = np.array([[[0, 0, 5, 0]], [[0, 3, 9, 9]]], np.int16)
    assert valid_pixels(pixels, (None, None)).tolist() == [[False, True, True, True]]
    assert valid_pixels(pixels, (5, 9)).tolist() == [[True, True, False, True]]
    assert valid_pixels(pixels, (0, None)).all()
    declared = np.array([[True, False, True, False]])
    assert (valid_pixels(pixels, (0, 0), declared) == declared).all()


def test_nan_is_no_data_of_its_band_like_any_other_value():
    pixels = np.array(
        [[[np.nan, 1, np.inf, 0, np.nan]], [[2, 2, 2, 0, np.nan]]], np.float32
    )
    nan = np.nan
    for nodata, zeros in (((None, None), False), ((nan, nan), True), ((nan, 7), True)):
        expected = [[True, True, True, zeros, False]]
        assert valid_pixels(pixels, nodata).tolist() == expected
        mask = nodata_mask(pixels, nodata)
        assert mask.tolist() == (~np.isfinite(pixels)).tolist()
    declared = np.array([[True, False, True, True, True]])
    assert valid_pixels(pixels, (nan, nan), declared).tolist() == [
        [True, False, True, True, False]
    ]


def test_a_value_that_the_type_cannot_hold_is_nowhere():
    pixels = np.array([[[0, 1, 255]]], np.uint8)
    assert valid_pixels(pixels, (-9999.0,)).all()
    assert valid_pixels(pixels.astype(np.int16), (1e9,)).all()


def test_a_value_that_is_no_data_of_its_own_band_is_masked():
    pixels = np.array([[[-9999, 1, -9999]], [[5, 0, -9999]]], np.int16)
    mask = nodata_mask(pixels, (-9999, -9999))
    assert mask.tolist() == [[[True, False, True]], [[False, False, True]]]
    assert nodata_mask(pixels, (None, 5))[1].tolist() == [[True, False, False]]
    assert nodata_mask(pixels, (None, None)) is None
    assert nodata_mask(pixels, (7, 7)) is None
    # A dark or a bright color.
    assert nodata_mask(np.zeros((3, 1, 1), np.uint8), (0, 0, 0)) is None


def test_nodata_is_in_no_statistics(write_scene):
    """Bands seldom end at the same pixel."""
    pixels = np.tile(np.arange(1, 101, dtype=np.float32), (3, 80, 1))
    pixels[2, :, 50:] = pixels[:, :10] = fill = np.finfo(np.float32).min
    scene = read_scene(write_scene('a.tif', pixels=pixels, nodata=fill), 'a.tif')
    assert scene.valid_share == 70 / 80
    assert scene.mean == pytest.approx((50.5, 50.5, 25.5))
    assert scene.quantiles[2][0::27] == (1, 50)
    assert scene.stretch == pytest.approx((1, 100), abs=1)
