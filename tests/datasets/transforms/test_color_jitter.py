import cv2
import numpy as np
import pytest
from mmpretrain.datasets.transforms import ColorJitter as Original

from rsp.datasets import ImageFolder
from rsp.datasets.transforms import ColorJitter, SetValueRange
from rsp.errors import UserError

RANGES = dict(brightness=0.3, contrast=0.5, saturation=0.5, hue=0.3)


def test_colors_change_as_mmpretrain_changes_them():
    pixels = np.random.default_rng(0).integers(256, size=(6, 5, 3), dtype=np.uint8)
    np.random.seed(1)
    ours = ColorJitter(**RANGES).transform(dict(img=pixels.copy()))['img']
    np.random.seed(1)
    # Whose warning at every image is not ours: warnings are errors in the tests.
    with pytest.warns(UserWarning, match="Only use 'alpha'"):
        theirs = Original(**RANGES).transform(dict(img=pixels.copy()))['img']
    assert (ours == theirs).all()
    assert (ours != pixels).any()


@pytest.mark.parametrize(
    ('pixels', 'told'),
    [
        (np.zeros((4, 4, 13), np.uint8), '13 bands of uint8'),
        (np.zeros((4, 4, 3), np.float32), '3 bands of float32'),
        (np.zeros((4, 4, 1), np.uint8), '1 bands of uint8'),
    ],
)
def test_hue_of_what_has_no_colors_is_refused(pixels, told):
    with pytest.raises(ValueError, match=f"got {told} in 'a.tif'; set sat"):
        ColorJitter(**RANGES).transform(dict(img=pixels, img_path='a.tif'))


def bands_of(dtype, shape=(6, 5, 13), top=200):
    return np.random.default_rng(0).integers(1, top, size=shape).astype(dtype)


@pytest.mark.parametrize('low', [0.0, -25.0])
def test_brightness_moves_values_away_from_black(low):
    image = np.float32(low) + np.random.default_rng(0).random((4, 3, 5), np.float32)
    jitter = ColorJitter(brightness=(1.5, 1.5))
    results = dict(img=image.copy(), value_range=(low, low + 1))
    brighter = jitter.transform(results)['img']
    assert brighter.dtype == np.float32
    # Beyond white, too: a cloud's reflectance is above 1.
    # Products of 37 are rounded in float32, to 4e-6 at most.
    expected = 1.5 * (image - low)
    np.testing.assert_allclose(brighter - low, expected, rtol=1e-4, atol=4e-6)


def test_contrast_spreads_each_band_around_its_own_mean():
    image = bands_of(np.float32) + 100 * np.arange(13, dtype=np.float32)
    results = dict(img=image.copy(), value_range=(0, 1))
    changed = ColorJitter(contrast=(0.5, 0.5)).transform(results)['img']
    mean = image.mean((0, 1))
    np.testing.assert_allclose(changed, mean + 0.5 * (image - mean), rtol=1e-5)


@pytest.mark.parametrize(('per_band', 'factors'), [(True, 13), (False, 1)])
def test_bands_draw_factors_of_their_own_or_share_one(per_band, factors):
    image = bands_of(np.float32)
    jitter = ColorJitter(brightness=0.4, per_band=per_band)
    changed = jitter.transform(dict(img=image.copy(), value_range=(0, 255)))['img']
    ratios = (changed / image)[0, 0]
    np.testing.assert_allclose(changed, image * ratios, rtol=1e-5)
    assert len(np.unique(ratios.round(4))) == factors
    assert ((ratios >= 0.6) & (ratios <= 1.4)).all()


@pytest.mark.parametrize('shape', [(6, 5, 13), (6, 5, 2), (6, 5, 1), (6, 5)])
@pytest.mark.parametrize(
    ('dtype', 'given'), [(np.uint8, {}), (np.uint16, dict(value_range=(0, 4000)))]
)
def test_any_number_of_bands_keeps_shape_and_type(shape, dtype, given):
    image = bands_of(dtype, shape)
    jitter = ColorJitter(brightness=(2, 2), contrast=(3, 3))
    changed = jitter.transform(dict(img=image.copy(), **given))['img']
    assert (changed.shape, changed.dtype) == (image.shape, dtype)
    # Cut to the type, never wrapped around.
    assert (changed.astype(int) - image >= 0)[image > 190].all()


@pytest.mark.parametrize('dtype', [np.uint16, np.int16, np.float32])
def test_an_unknown_range_is_refused(dtype):
    told = r"13 bands of \w+ in 'a.tif'; set 'value_range' in 'reflectance'"
    with pytest.raises(ValueError, match=told):
        ColorJitter(brightness=0.4)(dict(img=bands_of(dtype), img_path='a.tif'))


def test_the_remedy_for_an_unknown_range_works():
    results = SetValueRange((0, 2000))(dict(img=bands_of(np.uint16)))
    assert ColorJitter(brightness=0.4)(results)['img'].dtype == np.uint16


def jittering(folder, bands, **changes):
    cv2.imwrite(str(folder / 'a.png'), np.zeros((8, 9, 3), np.uint8))
    jitter = dict(type='rsp.ColorJitter', brightness=0.4, **changes)
    pipeline = [
        dict(type='LoadImageFromFile', bands=bands),
        dict(type='mmpretrain.MultiView', num_views=1, transforms=[[jitter]]),
    ]
    return ImageFolder(data_prefix=str(folder), with_label=False, pipeline=pipeline)


@pytest.mark.parametrize('changes', [dict(hue=0.1), dict(saturation=[0.5, 1.5])])
def test_colors_of_other_bands_are_refused_before_any_image_is_read(tmp_path, changes):
    (name,) = changes
    with pytest.raises(UserError, match=f'ColorJitter with {name}.*set {name} to 0'):
        jittering(tmp_path, [1, 2], **changes)
    # The remedy, and what changes nothing, work.
    views = jittering(tmp_path, [1, 2], **{name: 0})[0]['img']
    assert views[0].shape == (8, 9, 2)
    jittering(tmp_path, [1, 2], saturation=(1, 1), hue=(0, 0))
    jittering(tmp_path, None, **changes)
