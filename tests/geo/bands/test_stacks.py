"""Files of one band each: which are one scene, and what its pixels are."""

import os
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.testing import assert_array_equal

sys.path.insert(0, str(Path(__file__).parent))
import product_files as products

from rsp.datasets import SceneDataset
from rsp.geo.bands.choice import bands_of
from rsp.geo.bands.stacks import split_name
from rsp.geo.scene_index import SceneIndex
from rsp.geo.windows.window import Window

KEEP = dict(reflectance={}, rejection=dict(max_nodata=1.0))


def whole(dataset, scene=0):
    """Read all pixels of a scene (H, W, C) by its windows of full size."""
    facts = dataset.images.scenes[scene]
    return dataset.images.image(scene, Window(0, 0, *facts.shape))[0]


def repeated(pixels, times):
    return pixels.repeat(times, 0).repeat(times, 1)


@pytest.mark.parametrize(
    ('stem', 'expected'),
    [
        ('T33TWM_20210101T100000_B02_10m', ('B02', 'T33TWM_20210101T100000_')),
        ('LC08_L2SP_1_02_T1_SR_B4', ('SR_B4', 'LC08_L2SP_1_02_T1_')),
        ('LE07_L1TP_1_B6_VCID_1', ('B6_VCID_1', 'LE07_L1TP_1_')),
        ('L8-B1-Elkton-VA', ('B1', 'L8-Elkton-VA')),
        ('red', ('red', '')),
        ('scene_nir', ('nir', 'scene_')),
        ('s1a-iw-grd-vh-2020-03-002', ('vh', 's1a-iw-grd-2020-03')),
        ('m_4709963_se_14_1_20140720', None),
        ('P0000001', None),
        ('tile_3_7', None),
    ],
)  # fmt: skip
def test_the_band_in_a_name(stem, expected):
    assert split_name(stem) == expected


@pytest.mark.parametrize('ending', ['tif', 'jp2'])
def test_a_safe_folder_is_one_scene(tmp_path, ending):
    lossless = dict(driver='JP2OpenJPEG', QUALITY=100, REVERSIBLE='YES')
    profile = lossless if ending == 'jp2' else {}
    _, stored = products.sentinel2_l2a(tmp_path, ending=ending, **profile)
    dataset = SceneDataset(tmp_path, 32, **KEEP)
    (scene,) = dataset.images.scenes
    assert scene.path.endswith('.SAFE')
    assert scene.bands == 12
    names = [band.name for band in bands_of(scene)]
    assert names == sorted(names, key=lambda n: n.replace('8A', '08A'))
    image = whole(dataset)
    for number, name in enumerate(names):
        times = 120 // stored[name].shape[0]
        assert_array_equal(image[..., number], repeated(stored[name], times))
    # Classes, previews and quality are no bands.
    assert len(SceneIndex.build(tmp_path).others) == 5


def test_the_chosen_pixel_size_and_resampling(tmp_path):
    _, stored = products.sentinel2_l2a(tmp_path)
    dataset = SceneDataset(
        tmp_path, 16, dict(names=['B05', 'B01', 'B02'], pixel_size=20), **KEEP
    )
    assert dataset.images.scenes[0].shape == (60, 63)
    image = whole(dataset)[..., ::-1]
    assert_array_equal(image[..., 0], stored['B05'])
    assert_array_equal(image[..., 1], repeated(stored['B01'], 3))
    # ESA's own file of 20 m, not one of 10 m averaged.
    assert_array_equal(image[..., 2], stored['B02'][::2, ::2])
    dataset = SceneDataset(
        tmp_path, 8, dict(names=['B01', 'B05'], pixel_size=60), **KEEP
    )
    mean = stored['B05'].reshape(20, 3, 21, 3).astype(float).mean((1, 3))
    assert np.abs(whole(dataset)[..., 1] - mean).max() <= 0.5
    smooth = SceneDataset(
        tmp_path, 8, dict(names=['B01', 'B02'], resampling='bilinear'), **KEEP
    )
    with rasterio.open(next(tmp_path.rglob('*_B01_60m.tif'))) as coarse:
        expected = coarse.read(
            1, out_shape=(120, 126), resampling=rasterio.enums.Resampling.bilinear
        )
    assert np.abs(whole(smooth)[..., 0] - expected).max() <= 1


@pytest.mark.parametrize('resampling', ['nearest', 'bilinear', 'cubic', 'average'])
def test_windows_of_a_stack_are_parts_of_the_whole(tmp_path, resampling):
    products.sentinel2_l2a(tmp_path)
    dataset = SceneDataset(
        tmp_path, dict(size=24, length=12), dict(resampling=resampling), **KEEP
    )
    image = whole(dataset)
    for item in (dataset[n] for n in range(12)):
        assert_array_equal(item['img'], image[item['window'].slices])
        assert os.path.isfile(item['img_path'])


@pytest.mark.parametrize('told_by', ['metadata', 'name'])
def test_the_offset_of_baseline_04_is_undone(tmp_path, told_by):
    folder, stored = products.sentinel2_l2a(tmp_path, '0400', 0)
    file = next(folder.rglob('*_B02_10m.tif'))
    pixels = stored['B02'] + np.uint16(1000)
    pixels[0, :6] = 0, 1, 999, 1000, 1001, 65535
    pixels[5:7] = 0
    products.write_band(file, pixels, 10)
    if told_by == 'metadata':
        products.metadata(folder, 'L2A', '04.00', -1000)
        # What the metadata says counts.
        folder.rename(folder.with_name(folder.name.replace('N0400', 'N0000')))
    image = whole(SceneDataset(tmp_path, 16, ['B02', 'B03'], **KEEP))[..., 0]
    assert image[0, :6].tolist() == [0, 1, 1, 1, 1, 64535]
    assert not image[5:7].any()
    assert_array_equal(image[7:], stored['B02'][7:])
    scene = SceneIndex.build(tmp_path).scenes[0]
    assert scene.nodata == (0.0,) * 12
    kept = SceneDataset(
        tmp_path, 16, dict(names=['B02', 'B03'], baseline='keep'), **KEEP
    )
    assert_array_equal(whole(kept)[..., 0], pixels)


def test_old_and_new_baselines_mean_the_same(tmp_path):
    products.sentinel2_l2a(tmp_path, '0301', 0)
    new, _ = products.sentinel2_l2a(tmp_path, '0510', 1000)
    products.metadata(new, 'L2A', '05.10', -1000)
    dataset = SceneDataset(
        tmp_path, 16, ['red', 'nir'], reflectance=dict(radiometry='physical')
    )
    assert len(dataset.images.scenes) == 2
    first, second = whole(dataset, 0), whole(dataset, 1)
    assert_array_equal(first, second)
    assert first.max() == pytest.approx(0.8999, abs=1e-4)
    assert dataset.metainfo['scales'] == pytest.approx((1e-4, 1e-4))
    assert dataset.metainfo['offsets'] == (0, 0)
    assert dataset.metainfo['wavelengths'] == (665, 842)


def test_an_unknown_baseline_beside_a_new_one_is_refused(tmp_path):
    products.sentinel2_l2a(tmp_path, '0400', 1000)
    for name in ('B02', 'B03'):
        file = tmp_path / f'loose/T33TWM_20210101T100000_{name}_10m.tif'
        products.write_band(file, products.values(5, 10), 10)
    with pytest.raises(ValueError, match=r'loose/T33TWM_20210101T100000.*0209'):
        SceneDataset(tmp_path, 16, ['B02', 'B03'], **KEEP)
    # The remedy.
    told = SceneDataset(
        tmp_path, 16, dict(names=['B02', 'B03'], baseline='0209'), **KEEP
    )
    assert len(told.images.scenes) == 2
    assert_array_equal(whole(told, 1)[..., 0], products.values(5, 10))


def test_unknown_baselines_of_both_years_are_refused(tmp_path):
    for day in ('20210101', '20230101'):
        for name in ('B02', 'B03'):
            file = tmp_path / f'T33TWM_{day}T100000_{name}.tif'
            products.write_band(file, products.values(5, 10), 10)
    with pytest.raises(ValueError, match='baseline'):
        SceneDataset(tmp_path, 16, ['B02', 'B03'], **KEEP)
    assert SceneDataset(f'{tmp_path}/*_2021*', 16, ['B02', 'B03'], **KEEP)


def test_files_of_both_baselines_are_refused(tmp_path, write_scene):
    """Whether somebody undid the offset of a converted file, nobody knows."""
    write_scene('in/S2A_MSIL2A_20210101T100000_N0209_R022_T33TWM.tif')
    write_scene('in/S2A_MSIL2A_20230101T100000_N0509_R022_T33TWM.tif')
    with pytest.raises(ValueError, match="baseline='keep'"):
        SceneDataset(tmp_path / 'in', 16, [1, 2, 3])
    assert SceneDataset(tmp_path / 'in', 16, dict(names=[1, 2, 3], baseline='keep'))


@pytest.mark.parametrize('mtl', [True, False])
def test_a_landsat_product_is_one_scene(tmp_path, mtl):
    _, stored = products.landsat(tmp_path, mtl=mtl)
    dataset = SceneDataset(
        tmp_path, 16, ['red', 'nir', 'ST_B10', 'swir1'],
        reflectance=dict(radiometry='physical'), rejection=dict(max_nodata=1.0),
    )  # fmt: skip
    image = whole(dataset)
    for number, name in enumerate(('SR_B4', 'SR_B5', 'ST_B10', 'SR_B6')):
        scale, offset = (2.75e-5, -0.2) if 'SR' in name else (0.00341802, 149)
        expected = stored[name] * scale + offset
        np.testing.assert_allclose(image[..., number], expected, rtol=1e-5, atol=1e-5)
    assert dataset.metainfo['band_names'] == ('red', 'nir', 'lwir11', 'swir1')


def test_red_of_landsat_5_is_not_its_fourth_band(tmp_path):
    _, old = products.landsat(tmp_path / 'old', 'LT05', mtl=False)
    _, new = products.landsat(tmp_path / 'new', 'LC08', mtl=False)
    dataset = SceneDataset(tmp_path, 16, ['red', 'nir'], **KEEP)
    assert [s.path.split('/')[0] for s in dataset.images.scenes] == ['new', 'old']
    assert_array_equal(whole(dataset, 0)[..., 0], new['SR_B4'])
    assert_array_equal(whole(dataset, 1)[..., 0], old['SR_B3'])
    assert_array_equal(whole(dataset, 1)[..., 1], old['SR_B4'])


def test_the_panchromatic_band_does_not_set_the_pixel_size(tmp_path):
    _, stored = products.landsat(tmp_path, level='L1TP')
    dataset = SceneDataset(tmp_path, 16, ['pan', 'red'], **KEEP)
    assert dataset.images.scenes[0].shape == (40, 42)
    mean = stored['B8'].reshape(40, 2, 42, 2).astype(float).mean((1, 3))
    assert np.abs(whole(dataset)[..., 0] - mean).max() <= 0.5


def test_polarizations_of_sentinel_1(tmp_path):
    for number, name in enumerate(('vv', 'vh'), start=1):
        products.write_band(
            tmp_path / f's1a-iw-grd-{name}-2020-2020-03-0371-00{number}.tiff',
            products.values(number, 10), 10,
        )  # fmt: skip
    dataset = SceneDataset(tmp_path, 16, ['VH', 'VV'], **KEEP)
    assert_array_equal(whole(dataset)[..., 0], products.values(2, 10))


def test_tiles_that_are_called_like_bands_stay_scenes(tmp_path, write_scene):
    """A grid of tiles A1, B1, B2: other ground, or three bands each."""
    for number, name in enumerate(('A1', 'B1', 'B2')):
        products.write_band(
            tmp_path / f'places/tile_{name}.tif', products.values(number, 10), 10,
            left=500_000 + 5000 * number,
        )  # fmt: skip
        write_scene(f'colors/tile_{name}.tif')
    for folder in ('places', 'colors'):
        index = SceneIndex.build(tmp_path / folder)
        assert [s.path for s in index.scenes] == [
            'tile_A1.tif', 'tile_B1.tif', 'tile_B2.tif',
        ]  # fmt: skip
        assert not index.stacks


def test_stacking_can_be_switched_off(tmp_path):
    for name in ('red', 'nir'):
        products.write_band(tmp_path / f'{name}.tif', products.values(1, 10), 10)
    assert len(SceneDataset(tmp_path, 16).images.scenes) == 1
    assert len(SceneDataset(tmp_path, 16, dict(stack=False)).images.scenes) == 2


def test_no_data_stays_out_of_resampled_pixels(tmp_path):
    fine, coarse = products.values(1, 10), products.values(2, 20, 3000, 4000)
    coarse[:, :5] = 0
    products.write_band(tmp_path / 'a_B02.tif', fine, 10, nodata=0)
    products.write_band(tmp_path / 'a_B05.tif', coarse, 20, nodata=0)
    for resampling in ('nearest', 'bilinear', 'cubic', 'average'):
        choice = dict(names=[1, 2], resampling=resampling)
        image = whole(SceneDataset(tmp_path, 16, choice, **KEEP))[..., 1]
        assert image[image > 0].min() > 2500
        assert image[:, 11:].min() > 2500


def test_a_changed_file_is_seen_and_a_broken_one_named(tmp_path):
    for name in ('red', 'nir'):
        products.write_band(tmp_path / f'{name}.tif', products.values(1, 10), 10)
    before = SceneIndex.build(tmp_path).scenes[0].mean
    products.write_band(tmp_path / 'red.tif', products.values(1, 10) * 2, 10)
    os.utime(tmp_path / 'red.tif', ns=(1, 1))
    after = SceneIndex.build(tmp_path).scenes[0].mean
    assert after[0] == pytest.approx(2 * before[0])
    (tmp_path / 'red.tif').write_bytes(b'broken')
    products.write_band(tmp_path / 'sub/other.tif', products.values(1, 10), 10)
    index = SceneIndex.build(tmp_path)
    assert len(index.scenes) == 1
    assert 'red.tif' in index.unreadable[0].error


def test_an_index_finds_its_stacks_again(tmp_path, monkeypatch):
    """Also where the cache is another one, as on another machine."""
    products.sentinel2_l2a(tmp_path / 'in')
    SceneIndex.build(tmp_path / 'in')
    monkeypatch.setenv('RSP_CACHE', str(tmp_path / 'elsewhere'))
    index = SceneIndex.build(tmp_path / 'in')
    path = index.path_of(index.scenes[0])
    assert path.startswith(str(tmp_path / 'elsewhere'))
    assert rasterio.open(path).count == 12


def test_a_stack_goes_to_other_processes(tmp_path):
    products.sentinel2_l2a(tmp_path)
    dataset = SceneDataset(tmp_path, 16, ['red', 'nir'], **KEEP)
    copy = pickle.loads(pickle.dumps(dataset))
    assert_array_equal(whole(copy), whole(dataset))
