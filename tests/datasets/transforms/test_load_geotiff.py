"""GeoTIFFs that OpenCV reads, and those it does not."""

import numpy as np
import pytest

rasterio = pytest.importorskip('rasterio', reason="needs the 'geo' extra")

from affine import Affine  # noqa: E402
from mmcv.transforms import LoadImageFromFile  # noqa: E402

from rsp.datasets.transforms import LoadGeoTiff  # noqa: E402

PIXELS = np.random.default_rng(0).integers(0, 255, (4, 70, 90), dtype=np.uint8)
TILED = dict(tiled=True, blockxsize=32, blockysize=32)


def write(path, pixels, driver='GTiff', **options):
    with rasterio.open(
        path, 'w', driver=driver, count=len(pixels), height=pixels.shape[1],
        width=pixels.shape[2], dtype=pixels.dtype, crs='EPSG:32633',
        transform=Affine(10, 0, 500_000, 0, -10, 5_000_000), **options,
    ) as data:  # fmt: skip
        data.write(pixels)
    return dict(img_path=str(path))


@pytest.mark.parametrize(
    'options',
    [
        {}, dict(compress='deflate', **TILED), dict(compress='lzw', predictor=2),
        dict(interleave='band', compress='deflate', **TILED),
        dict(driver='COG', compress='deflate'),
    ],
)  # fmt: skip
def test_both_loaders_agree_on_colors_in_common_files(tmp_path, options):
    results = write(tmp_path / 'a.tif', PIXELS[:3], **options)
    ours = LoadGeoTiff()(dict(results))
    theirs = LoadImageFromFile()(dict(results))
    np.testing.assert_array_equal(ours['img'], theirs['img'])
    assert ours['img'].shape == (70, 90, 3)
    assert ours['img_shape'] == theirs['img_shape'] == (70, 90)


@pytest.mark.parametrize('options', [dict(photometric='minisblack'), {}])
def test_bands_come_as_bgr_whatever_the_file_says_of_them(tmp_path, options):
    results = write(tmp_path / 'a.tif', PIXELS[:3], **options)
    loaded = LoadGeoTiff()(results)['img']
    np.testing.assert_array_equal(loaded, PIXELS[2::-1].transpose(1, 2, 0))


def test_any_bands_come_in_the_order_given(tmp_path):
    results = write(tmp_path / 'a.tif', PIXELS)
    four = LoadGeoTiff(bands=(4, 1, 2, 3))(dict(results))['img']
    np.testing.assert_array_equal(four, PIXELS[[3, 0, 1, 2]].transpose(1, 2, 0))
    infrared = LoadGeoTiff(bands=(4, 3, 2))(dict(results))['img']
    np.testing.assert_array_equal(infrared, PIXELS[[1, 2, 3]].transpose(1, 2, 0))
    assert infrared.flags.c_contiguous


def test_files_that_do_not_fit_are_named(tmp_path):
    results = write(tmp_path / 'a.tif', PIXELS[:2])
    with pytest.raises(
        ValueError, match=r"expected the bands \[1, 2, 3\] in '.*a.tif', got 2"
    ):
        LoadGeoTiff()(results)
    results = write(tmp_path / 'b.tif', PIXELS.astype('u2'))
    with pytest.raises(ValueError, match=r'got uint16; .*rsp\.SceneDataset'):
        LoadGeoTiff()(results)
    with pytest.raises(FileNotFoundError, match=r'gone\.tif'):
        LoadGeoTiff()(dict(img_path='gone.tif'))
    with pytest.raises(ValueError, match='from 1'):
        LoadGeoTiff(bands=(0, 1, 2))


def test_a_truncated_file_is_named(tmp_path):
    results = write(tmp_path / 'a.tif', PIXELS[:3])
    file = tmp_path / 'a.tif'
    file.write_bytes(file.read_bytes()[:-9000])
    with pytest.raises(ValueError, match=r'cannot read .*a\.tif'):
        LoadGeoTiff()(results)
