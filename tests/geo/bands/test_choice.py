"""Bands chosen by name, in scenes that order them differently."""

import numpy as np
import pytest
import rasterio

from rsp.datasets import SceneDataset
from rsp.geo.bands.choice import BandChoice

# By name, of every file: a value that no other band has.
VALUES = dict(red=10, green=60, blue=110, nir=200)


def write(write_scene, name, order, told=True, **profile):
    pixels = np.stack([np.full((40, 50), VALUES[b], 'uint8') for b in order])
    file = write_scene(name, pixels=pixels, photometric='MINISBLACK', **profile)
    if told:
        with rasterio.open(file, 'r+') as dataset:
            dataset.descriptions = order
    return file


def dataset_of(folder, bands, **options):
    return SceneDataset(
        folder, dict(size=16, length=12), bands, stretch=None, **options
    )


def test_each_scene_is_read_by_its_own_names(write_scene, tmp_path):
    write(write_scene, 'in/a.tif', ('blue', 'green', 'red', 'nir'))
    write(write_scene, 'in/b.tif', ('nir', 'red', 'green', 'blue'))
    write(write_scene, 'in/c.tif', ('red', 'blue', 'green'))
    dataset = dataset_of(tmp_path / 'in', ['red', 'green', 'blue'])
    seen = set()
    for number in range(24):
        item = dataset.get_data_info(number % 12)
        assert (item['img'] == (110, 60, 10)).all()  # BGR
        seen.add(item['img_path'])
    assert len(seen) == 3
    assert dataset.metainfo['bands'] == ('red', 'green', 'blue')
    assert dataset.metainfo['band_names'] == ('red', 'green', 'blue')


def test_a_scene_without_the_band_is_named(write_scene, tmp_path):
    write(write_scene, 'in/a.tif', ('blue', 'green', 'red', 'nir'))
    write(write_scene, 'in/c.tif', ('red', 'blue', 'green'))
    with pytest.raises(ValueError, match=r"'nir' in 'c.tif', it has red, blue, green"):
        dataset_of(tmp_path / 'in', ['nir', 'red'])


def test_a_file_that_tells_nothing_is_asked_about(write_scene, tmp_path):
    write(write_scene, 'in/a.tif', ('red', 'green', 'blue', 'nir'), told=False)
    with pytest.raises(ValueError, match='sensor=') as caught:
        dataset_of(tmp_path / 'in', ['nir', 'red'])
    assert "'a.tif'" in str(caught.value)
    # Its remedies: the sensor, numbers, or names in the file.
    for bands in (dict(names=['nir', 'red'], sensor='naip'), [4, 1]):
        item = dataset_of(tmp_path / 'in', bands).get_data_info(0)
        assert (item['img'] == (200, 10)).all()
    with rasterio.open(tmp_path / 'in/a.tif', 'r+') as dataset:
        dataset.descriptions = ('red', 'green', 'blue', 'nir')
    item = dataset_of(tmp_path / 'in', ['nir', 'red']).get_data_info(0)
    assert (item['img'] == (200, 10)).all()


def test_numbers_that_mean_other_bands_are_told(write_scene, tmp_path, caplog):
    write(write_scene, 'in/a.tif', ('blue', 'green', 'red', 'nir'))
    write(write_scene, 'in/b.tif', ('nir', 'red', 'green', 'blue'))
    said = dataset_of(tmp_path / 'in', [1, 3]).images.describe_differing()
    assert 'band 1 is blue or nir, band 3 is green or red' in said
    assert "bands=['blue', 'red']" in said
    assert not dataset_of(tmp_path / 'in', ['blue', 'red']).images.describe_differing()


def test_names_that_are_official_or_words(write_scene, tmp_path):
    file = write_scene('in/a.tif', bands=4, dtype='uint8')
    with rasterio.open(file, 'r+') as dataset:
        dataset.descriptions = ('B02', 'B04', 'B8A', 'B11')
    for names in (['B04', 'B8A'], ['b4', 'nir08'], ['red', 'b8a'], ['SR_B4', 'B8A']):
        chosen = dataset_of(tmp_path / 'in', names).images.chosen[0]
        assert [band.number for band in chosen] == [2, 3]


@pytest.mark.parametrize(
    ('bands', 'message'),
    [
        ('red', 'in a list'),
        ([], 'in a list'),
        (dict(sensor='sentinel'), "'sensor' of 'bands'"),
        (dict(resampling='lanczos'), "'resampling' of 'bands'"),
        (dict(pixel_size=0), "'pixel_size' of 'bands' above 0"),
        (dict(baseline='4.0'), "'baseline' of 'bands'"),
    ],
)
def test_choices_that_cannot_be(bands, message):
    with pytest.raises(ValueError, match=message):
        BandChoice.of(bands)


def test_declared_scale_and_offset(write_scene, tmp_path):
    rng = np.random.default_rng(0)
    pixels = rng.integers(1, 9000, (2, 40, 50), dtype=np.uint16)
    file = write_scene('in/a.tif', pixels=pixels)
    write_scene('bare/a.tif', pixels=pixels)
    with rasterio.open(file, 'r+') as dataset:
        dataset.scales, dataset.offsets = (2e-4, 1e-4), (-0.1, 0.5)
    physical = pixels * np.array([2e-4, 1e-4])[:, None, None]
    physical += np.array([-0.1, 0.5])[:, None, None]

    def image(folder, **options):
        item = SceneDataset(tmp_path / folder, 16, **options).get_data_info(0)
        return item['img'], physical[(slice(None), *item['window'].slices)].transpose(
            1, 2, 0
        )

    got, expected = image('in', reflectance=dict(radiometry='physical'))
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
    limits = (0.2, 1.2)
    got, expected = image('in', stretch=dict(radiometry='physical', limits=limits))
    expected = ((expected - 0.2) / 1.0 * 255).clip(0, 255)
    assert np.abs(got - np.floor(expected)).max() <= 1
    got, expected = image(
        'in', stretch=dict(radiometry='physical', percentiles=(5, 95))
    )
    low, high = np.percentile(physical, (5, 95))
    expected = ((expected - low) / (high - low) * 255).clip(0, 255)
    assert np.abs(got - expected).max() <= 3
    for option in ('reflectance', 'stretch'):
        with pytest.raises(ValueError, match=r"scale and offset in 'a.tif'"):
            image('bare', **{option: dict(radiometry='physical')})
    assert image('bare', reflectance=dict(scale=1e-4))
