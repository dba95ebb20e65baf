"""Images of any bands and type equal what rasterio and NumPy compute."""

import re

import numpy as np
import pytest

rasterio = pytest.importorskip('rasterio', reason="needs the 'geo' extra")
import scenes  # noqa: E402

from rsp.datasets import ImageFolder, SceneDataset  # noqa: E402
from rsp.datasets.transforms import LoadGeoTiff, LoadImageFromFile  # noqa: E402

GRID = scenes.utm_grid(50, 40)
PIXELS = np.random.default_rng(0).integers(1, 12_000, (13, 40, 50)).astype(np.uint16)
REFLECTANCE = dict(scale=1e-4, value_range=(0, 1))
PLAIN = dict(tiled=False, blockxsize=None, blockysize=None)


def write(path, pixels=PIXELS, names=(), masked=None, **profile):
    scenes.write(path, pixels, GRID, **PLAIN | profile)
    with rasterio.open(path, 'r+') as file:
        for number, name in enumerate(names, start=1):
            file.set_band_description(number, name)
        if masked is not None:
            file.write_mask(masked)
    return dict(img_path=str(path))


def channels_last(pixels):
    return pixels.transpose(1, 2, 0)


@pytest.mark.parametrize('dtype', ['uint8', 'uint16', 'int16', 'float32', 'float64'])
@pytest.mark.parametrize('order', [[*range(1, 14)], [8, 4, 3, 2], [13], [2, 1]])
def test_any_bands_of_any_type_are_floats_times_the_scale(tmp_path, dtype, order):
    pixels = (PIXELS % 250 + 1).astype(dtype)
    loaded = LoadGeoTiff(bands=order, reflectance=dict(scale=0.5))(
        write(tmp_path / 'a.tif', pixels)
    )
    expected = channels_last(pixels[[n - 1 for n in order]]).astype(np.float32) / 2
    np.testing.assert_array_equal(loaded['img'], expected)
    assert loaded['img'].dtype == np.float32
    assert loaded['img_shape'] == loaded['ori_shape'] == (40, 50)
    assert 'value_range' not in loaded


def test_three_bands_come_as_bgr_with_their_black_and_white(tmp_path):
    pairs = [(0, 0.1), (0, 0.2), (0, 0.3)]
    load = LoadGeoTiff(bands=[4, 3, 2], reflectance=dict(scale=1e-4, value_range=pairs))
    loaded = load(write(tmp_path / 'a.tif'))
    stored = PIXELS[[1, 2, 3]] * np.float32(1e-4)
    np.testing.assert_array_equal(loaded['img'], channels_last(stored))
    np.testing.assert_allclose(loaded['value_range'], pairs[::-1])
    rgb = load.read(loaded['img_path'], 'rgb')
    np.testing.assert_array_equal(rgb, loaded['img'][..., ::-1])


@pytest.mark.parametrize(
    ('names', 'chosen'),
    [
        (['B02', 'B03', 'B04', 'B08'], ['B08', 'B04']),
        (['blue', 'green', 'red', 'nir'], ['nir', 'red']),
    ],
)
@pytest.mark.parametrize('kind', ['floats', 'stretched', 'eight bits'])
def test_bands_are_found_by_the_names_of_each_file(tmp_path, names, chosen, kind):
    kinds = {
        'floats': (PIXELS, dict(reflectance=dict(scale=1)), lambda p: p),
        'stretched': (
            PIXELS,
            dict(stretch=(0, 12_000)),
            lambda p: (p / 12_000 * 255).astype(np.uint8),
        ),
        'eight bits': ((PIXELS % 255).astype(np.uint8), {}, lambda p: p),
    }
    pixels, options, convert = kinds[kind]
    load = LoadImageFromFile(bands=chosen, **options)
    for number, order in enumerate([[0, 1, 2, 3], [3, 1, 0, 2]]):
        stored = pixels[order]
        file = write(
            tmp_path / f'{number}.tif', stored, [names[place] for place in order]
        )
        expected = convert(channels_last(pixels[[3, 2]]))
        np.testing.assert_array_equal(load(file)['img'], expected)


def test_no_data_is_black_where_that_is_known(tmp_path):
    pixels = PIXELS.astype(np.float32)
    pixels[2, 3, 4] = np.nan
    pixels[:, 5, 6] = -9999
    pixels[1, 7, 8] = -9999
    file = write(tmp_path / 'a.tif', pixels, nodata=-9999)
    decibels = dict(value_range=(-25, 0))
    loaded = LoadGeoTiff(bands=[*range(1, 14)], reflectance=decibels)(file)['img']
    expected = channels_last(pixels).copy()
    expected[3, 4, 2] = expected[7, 8, 1] = expected[5, 6] = -25
    np.testing.assert_array_equal(loaded, expected)


def test_masks_and_alpha_are_no_bands_of_data(tmp_path):
    masked = np.full((40, 50), 255, np.uint8)
    masked[:10] = 0
    file = write(tmp_path / 'mask.tif', masked=masked)
    every = LoadImageFromFile(reflectance=dict(scale=1))
    image = every(file)['img']
    assert image.shape == (40, 50, 13)
    assert (image[:10] == 0).all()
    np.testing.assert_array_equal(image[10:], channels_last(PIXELS)[10:])
    four = np.concatenate([PIXELS[:3] % 250 + 1, masked[None]]).astype(np.uint8)
    file = write(tmp_path / 'alpha.tif', four, photometric='RGB', alpha='yes')
    image = every.read(file['img_path'], 'rgb')
    assert image.shape == (40, 50, 3)
    assert (image[:10] == 0).all()
    np.testing.assert_array_equal(image[10:], channels_last(four[:3])[10:])


def test_the_declared_scale_and_offset_are_applied(tmp_path):
    file = write(tmp_path / 'a.tif')
    with rasterio.open(file['img_path'], 'r+') as data:
        data.scales, data.offsets = (1e-4,) * 13, (-0.1,) * 13
    load = LoadGeoTiff(bands=[1, 9], reflectance=dict(radiometry='physical'))
    expected = channels_last(PIXELS[[0, 8]]).astype(np.float32) * 1e-4 - 0.1
    np.testing.assert_allclose(load(file)['img'], expected, rtol=1e-5)
    with pytest.raises(ValueError, match='it declares none'):
        load(write(tmp_path / 'b.tif'))


@pytest.mark.parametrize('bands', [[*range(1, 14)], [4, 3, 2], [8, 4, 3, 2]])
@pytest.mark.parametrize('wedge', [False, True])
def test_whole_files_and_windows_of_scenes_have_the_same_pixels(tmp_path, bands, wedge):
    path = tmp_path / 'S2A_x.tif'
    scenes.sentinel2(path, scenes.utm_grid(64, 64), bands=13, wedge=wedge)
    dataset = SceneDataset(
        tmp_path,
        dict(type='rsp.GridWindowSampler', size=64),
        bands=bands,
        reflectance=REFLECTANCE,
        pipeline=[],
    )
    whole = LoadGeoTiff(bands=bands, reflectance=REFLECTANCE)(dict(img_path=str(path)))
    np.testing.assert_array_equal(whole['img'], dataset[0]['img'])
    np.testing.assert_array_equal(whole['value_range'], dataset[0]['value_range'])


def test_pictures_show_three_of_the_bands(tmp_path):
    load = LoadGeoTiff(
        bands=[8, 4, 3, 2], reflectance=dict(scale=1e-4), shown=(2, 3, 4)
    )
    picture = load.picture(write(tmp_path / 'a.tif')['img_path'])
    bands = channels_last(PIXELS[[3, 2, 1]]) * np.float32(1e-4)
    low, high = np.percentile(bands, (2, 98), axis=(0, 1))
    expected = ((bands - low) / (high - low) * 255).clip(0, 255).astype(np.uint8)
    np.testing.assert_array_equal(picture, expected)
    eight = write(tmp_path / 'b.tif', (PIXELS % 255).astype(np.uint8))
    picture = LoadGeoTiff(bands=[8, 4, 3, 2], shown=(2, 3, 4)).picture(
        eight['img_path']
    )
    np.testing.assert_array_equal(picture, channels_last(PIXELS[[3, 2, 1]] % 255))
    with pytest.raises(ValueError, match=r"'shown' .* between 1 and 4, got 9"):
        LoadGeoTiff(bands=[8, 4, 3, 2], shown=(9, 3, 4)).picture(eight['img_path'])


S2 = [*(f'B{n:02}' for n in range(1, 9)), 'B8A', 'B09', 'B10', 'B11', 'B12']


@pytest.mark.parametrize(
    ('name', 'names', 'bands', 'shown', 'said'),
    [
        # By their names, whatever the order; B8A tells the sensor.
        ('a.tif', S2, None, [4, 3, 2], 'bands B04, B03, B02 as red, green, blue,'),
        ('a.tif', S2[::-1], None, [10, 11, 12], 'bands B04, B03, B02 as red'),
        ('a.tif', S2, [9, 2, 3, 4], [4, 3, 2], 'bands B04, B03, B02 as red'),
        # By the sensor of the file's name.
        ('S2A_20200501.tif', (), None, [4, 3, 2], 'bands 4, 3, 2 as red, green'),
        ('S2A_20200501.tif', (), [*range(4, 9)], [4, 5, 6], 'names no colors'),
        # Nothing tells.
        ('a.tif', (), None, [1, 2, 3], r'1, 2, 3 .* \(the file names no colors\)'),
        ('a.tif', S2, [8, 11, 12], [8, 11, 12], 'B08, B10, B11 .* names no colors'),
    ],
)
def test_pictures_show_true_colors_where_bands_are_known(
    name, names, bands, shown, said, tmp_path
):
    load = LoadImageFromFile(bands=bands, reflectance=dict(scale=1e-4))
    picture, line = load.look(write(tmp_path / name, names=names)['img_path'])
    values = channels_last(PIXELS[[n - 1 for n in shown]]) * np.float32(1e-4)
    low, high = np.percentile(values, (2, 98), axis=(0, 1))
    expected = ((values - low) / (high - low) * 255).clip(0, 255).astype(np.uint8)
    np.testing.assert_array_equal(picture, expected)
    assert re.search(said, line)
    assert line.endswith('2nd to 98th percentile of each image')


def test_pixels_without_data_do_not_darken_the_picture(tmp_path):
    pixels = np.random.default_rng(0).random((5, 40, 50)).astype(np.float32)
    broken = pixels.copy()
    broken[:, :4] = np.nan
    load = LoadImageFromFile(reflectance={})
    picture = load.picture(write(tmp_path / 'a.tif', broken)['img_path'])
    assert not picture[:4].any()
    finite = channels_last(pixels[:3, 4:])
    low, high = np.percentile(finite, (2, 98), axis=(0, 1))
    expected = ((finite - low) / (high - low) * 255).clip(0, 255).astype(np.uint8)
    np.testing.assert_array_equal(picture[4:], expected)


@pytest.mark.parametrize(
    ('options', 'told'),
    [
        (dict(reflectance={}, stretch=(0, 1)), 'got both; drop one'),
        (dict(reflectance=dict(mean=[0.0], std=[1.0])), 'of model.data_preprocessor'),
        (dict(shown=(1, 2)), "number of 'shown' .* 3, got 2"),
        (dict(shown=(0, 1, 2)), "'shown' .* at least 1, got 0"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(options, told):
    with pytest.raises(ValueError, match=told):
        LoadImageFromFile(**options)


@pytest.mark.parametrize(
    ('bands', 'told'),
    [
        ([1, 14], r"expected the bands \[1, 14\] in '.*0\.tif', got 13"),
        (['red'], r"expected a band 'red' in '.*0\.tif', the file does not say"),
    ],
)
def test_bands_that_are_not_there_are_named_before_training(tmp_path, bands, told):
    write(tmp_path / 'a/0.tif')
    load = dict(type='rsp.LoadGeoTiff', bands=bands, reflectance=REFLECTANCE)
    with pytest.raises(ValueError, match=told):
        ImageFolder(str(tmp_path), pipeline=[load])


ADVICE = {
    'mmseg.PhotoMetricDistortion': 'take rsp.ColorJitter',
    'mmpretrain.ColorJitter': 'take rsp.ColorJitter',
    'mmdet.YOLOXHSVRandomAug': 'take rsp.ColorJitter',
    'mmpretrain.Solarize': 'take rsp.RandomSolarize',
    'mmseg.CLAHE': 'leave it out',
}


@pytest.mark.parametrize('kind', ADVICE)
def test_transforms_of_8_bit_colors_are_refused_on_floats(tmp_path, kind):
    pytest.importorskip(kind.partition('.')[0] if '.' in kind else 'mmpretrain')
    write(tmp_path / 'a/0.tif')
    load = dict(type='rsp.LoadGeoTiff', bands=[4, 3, 2], reflectance=REFLECTANCE)
    options = dict(thr=128) if 'Solarize' in kind else {}
    nested = dict(type='RandomApply', transforms=[dict(type=kind, **options)])
    with pytest.raises(ValueError, match=ADVICE[kind]):
        ImageFolder(str(tmp_path), pipeline=[load, nested])


@pytest.mark.parametrize('kind', ['mmseg.PhotoMetricDistortion', 'mmpretrain.Equalize'])
def test_transforms_of_colors_are_refused_on_four_bands(tmp_path, kind):
    pytest.importorskip(kind.partition('.')[0])
    write(tmp_path / 'a/0.tif', (PIXELS[:4] % 255).astype(np.uint8))
    load = dict(type='rsp.LoadGeoTiff', bands=[1, 2, 3, 4])
    with pytest.raises(ValueError, match='take 4 bands, got'):
        ImageFolder(str(tmp_path), pipeline=[load, dict(type=kind)])
    # What they do to it without a word: the fourth band is gone.
    fine = dict(type='mmpretrain.Solarize', thr=128)
    kept = ImageFolder(str(tmp_path), pipeline=[load, fine])[0]['img']
    assert kept.shape == (40, 50, 4)


def test_pillow_is_refused_where_it_takes_a_band_for_alpha(tmp_path):
    write(tmp_path / 'a/0.tif', (PIXELS[:4] % 255).astype(np.uint8))
    load = dict(type='rsp.LoadGeoTiff', bands=[1, 2, 3, 4])
    resize = dict(type='Resize', scale=(20, 20), backend='pillow')
    with pytest.raises(ValueError, match=r"got backend='pillow' .* set backend='cv2'"):
        ImageFolder(str(tmp_path), pipeline=[load, resize])
    resize['backend'] = 'cv2'
    assert ImageFolder(str(tmp_path), pipeline=[load, resize])[0]['img'].shape[2] == 4


def test_the_advised_jitter_takes_the_images(tmp_path):
    write(tmp_path / 'a/0.tif')
    load = dict(type='rsp.LoadGeoTiff', bands=[*range(1, 14)], reflectance=REFLECTANCE)
    jitter = dict(type='rsp.ColorJitter', brightness=0.4, contrast=0.4)
    before = ImageFolder(str(tmp_path), pipeline=[load])[0]['img']
    after = ImageFolder(str(tmp_path), pipeline=[load, jitter])[0]['img']
    assert after.shape == before.shape
    assert not np.allclose(after, before)
