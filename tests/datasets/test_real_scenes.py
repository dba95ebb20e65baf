"""Windows of real scenes: Sentinel-2, Landsat, NAIP; 1 to 13 bands, 8 and 16 bits."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rasterio', reason="needs the 'geo' extra")

import rasterio

from rsp.datasets import PairedSampler, SceneDataset

pytestmark = pytest.mark.shared


@pytest.fixture
def pack(unpack):
    """The archive's folder."""
    return unpack('open/geotiff.tar')


def drawn(dataset, batch_size=8):
    sampler = PairedSampler(dataset, seed=0, batch_size=batch_size)
    return dataset.__getitems__(list(sampler))


def test_windows_of_every_scene_are_the_pixels_that_rasterio_reads(pack):
    dataset = SceneDataset(
        pack / 'scenes',
        dict(size=96, length=160),
        bands=(1, 2, 3),
        stretch=None,
        rejection=dict(max_nodata=1.0),
    )
    seen = set()
    for item in drawn(dataset):
        top, left, height, width = item['window']
        window = rasterio.windows.Window(left, top, width, height)
        with rasterio.open(item['img_path']) as scene:
            pixels = scene.read([3, 2, 1], window=window)
        wanted = pixels.transpose(1, 2, 0)
        assert (item['img'] == wanted).all()  # its no-data value is 0 or none
        seen.add(Path(item['img_path']).name)
    assert len(seen) == 5


def test_published_rules_on_real_scenes(pack):
    """The ocean and the collar of the Bahamas scene are drawn again."""
    dataset = SceneDataset(
        [pack / 'scenes/RGB.byte.tif'],
        dict(size=96, length=100),
        rejection=dict(rules=True, retries=60),
        index=pack / 'index.jsonl',
    )
    items = drawn(dataset)
    counts = dataset.stats.to_dict()
    assert counts['no-data'] > 10
    assert counts['kept'] == 0
    for item in items:
        mean = item['img'].mean(axis=2)
        assert (mean < 20).mean() <= 0.1
        low, high = np.percentile(mean, (1, 99))
        assert high - low >= 0.05 * 255


def test_thirteen_bands_of_sentinel_2_as_reflectance(pack):
    dataset = SceneDataset(
        str(pack / 's2_slovenia_overlap/S2_L1C_*.tif'),
        dict(size=64, length=30, max_per_scene=2),
        reflectance=dict(scale=1e-4),
    )
    items = drawn(dataset, batch_size=6)
    assert {item['img'].shape for item in items} == {(64, 64, 13)}
    means = np.mean([item['img'].mean(axis=(0, 1)) for item in items], axis=0)
    assert (0 < means).all()
    assert (means < 0.6).all()
    assert means[7] > 2 * means[3]  # summer fields: infrared well above red


def test_single_bands_of_landsat_in_16_bits(pack):
    dataset = SceneDataset(
        str(pack / 'l8_elkton_overlap/L8-B?-*.tiff'),
        dict(size=48, length=21),
        bands=dict(stack=False),
    )
    items = drawn(dataset)
    assert {item['img'].shape for item in items} == {(48, 48, 1)}
    for item in items:
        with rasterio.open(item['img_path']) as scene:
            values = scene.read(1).astype(float)
        low, high = np.percentile(values, (1, 99))
        stretched = (values[item['window'].slices] - low) / (high - low) * 255
        expected = stretched.clip(0, 255).astype(np.uint8)
        assert (item['img'][..., 0] == expected).all()


def test_bands_of_the_pack_by_name(pack):
    """Landsat 8 in seven files, Sentinel-2 by descriptions, NAIP by its product."""
    dataset = SceneDataset(
        str(pack / 'l8_elkton_overlap/L8-B?-*.tiff'),
        dict(size=48, length=8),
        bands=['red', 'nir'],
        reflectance=dict(scale=1.0),
    )
    assert len(dataset.images.scenes) == 1
    for item in drawn(dataset):
        for channel, number in enumerate((4, 5)):
            file = pack / f'l8_elkton_overlap/L8-B{number}-Elkton-VA.tiff'
            with rasterio.open(file) as band:
                pixels = band.read(1)[item['window'].slices]
            assert (item['img'][..., channel] == pixels).all()
    for files, bands, numbers in (
        ('s2_slovenia_overlap/S2_L1C_*.tif', ['nir', 'B8A'], (8, 9)),
        ('scenes/m_4709963_*.tif', ['nir', 'red'], (4, 1)),
    ):
        dataset = SceneDataset(
            str(pack / files),
            dict(size=48, length=8),
            bands=bands,
            reflectance=dict(scale=1.0),
        )
        for item in drawn(dataset):
            with rasterio.open(item['img_path']) as scene:
                pixels = scene.read(numbers)[(slice(None), *item['window'].slices)]
            assert (item['img'] == pixels.transpose(1, 2, 0)).all()
    # Nothing tells which bands of these are which.
    with pytest.raises(ValueError, match=r'landsat_peru.*does not say'):
        SceneDataset(str(pack / 'scenes/landsat_peru*.tif'), 48, bands=['red'])
