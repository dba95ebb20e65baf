"""Cases of images that were read wrongly: bands, bits, palettes, pages, sizes."""

import cv2
import numpy as np
import pytest
from PIL import Image
from tiffs import write_tiff

from rsp.datasets import ImageFolder
from rsp.errors import UserError
from rsp.registry import DATASETS

rasterio = pytest.importorskip('rasterio', reason="needs the 'geo' extra")

SCOPES = ('', 'mmpretrain.', 'mmcv.', 'rsp.')
LOADERS = [f'{scope}LoadImageFromFile' for scope in SCOPES]


def smooth(height, width, low, high, dtype, seed=0):
    rng = np.random.default_rng(seed)
    values = np.add.outer(np.linspace(0, 9, height), np.linspace(0, 7, width))
    values = np.sin(values + rng.random() * 6) + 0.2 * rng.random((height, width))
    values = (values - values.min()) / np.ptp(values)
    return (low + (high - low) * values).astype(dtype)


def folder(root, loader='LoadImageFromFile', **options):
    pipeline = [dict(type=loader, **options)]
    return ImageFolder(str(root), with_label=False, pipeline=pipeline)


def four_bands(root):
    """Write red, green, blue and infrared in strips and as COG, as GDAL does."""
    colors = [smooth(96, 96, 60, 200, 'uint8', seed) for seed in range(3)]
    pixels = np.stack([*colors, smooth(96, 96, 0, 120, 'uint8', 3)])
    write_tiff(root / 'strips.tif', pixels, photometric='MINISBLACK')
    write_tiff(root / 'cog.tif', pixels, driver='COG', compress='DEFLATE', nodata=0)
    return pixels


@pytest.mark.parametrize('loader', LOADERS)
def test_01_four_band_geotiff_through_opencv(tmp_path, loader):
    pixels = four_bands(tmp_path / 'in')
    for sample in folder(tmp_path / 'in', loader):
        np.testing.assert_array_equal(
            sample['img'], pixels[2::-1].transpose(1, 2, 0), sample['img_path']
        )


def test_02_sixteen_bit_images_turn_dark(tmp_path):
    pytest.importorskip('mmseg')
    import rsp.tasks.segmentation  # noqa: F401  registers the data set

    for n in range(4):
        scene = np.stack([smooth(64, 64, 300, 3000, 'uint16', n) for _ in range(3)])
        write_tiff(tmp_path / f'img_dir/{n}.tif', scene, photometric='RGB')
        write_tiff(
            tmp_path / f'ann_dir/{n}.tif', smooth(64, 64, 0, 1.99, 'uint8')[None]
        )
    cfg = dict(
        type='rsp.MaskFolder',
        data_root=str(tmp_path),
        data_prefix=dict(img_path='img_dir', seg_map_path='ann_dir'),
        img_suffix='.tif',
        seg_map_suffix='.tif',
        metainfo=dict(classes=['a', 'b']),
    )
    load = dict(type='mmseg.LoadImageFromFile')
    with pytest.raises(UserError, match=r"8 bits in '.*\.tif', got uint16; .*stretch"):
        DATASETS.build(cfg | dict(pipeline=[load]))
    # The remedy.
    load = dict(type='rsp.LoadImageFromFile', stretch=(300, 3000))
    sample = DATASETS.build(cfg | dict(pipeline=[load]))[3]
    expected = ((scene - 300.0) / 2700 * 255).astype(np.uint8)[::-1]
    np.testing.assert_array_equal(sample['img'], expected.transpose(1, 2, 0))


def test_06_palette_read_as_grey(tmp_path):
    table = np.outer(np.arange(256), (37, 91, 53)) % 256
    indices = smooth(64, 64, 0, 255, 'uint8')
    file = write_tiff(tmp_path / 'in/s.tif', indices[None], photometric='palette')
    with rasterio.open(file, 'r+') as data:
        data.write_colormap(1, {k: (*map(int, c), 255) for k, c in enumerate(table)})
    (sample,) = folder(tmp_path / 'in')
    np.testing.assert_array_equal(sample['img'][..., ::-1], table[indices])


def test_14_multi_page_tiff(tmp_path):
    pages = [Image.fromarray(smooth(64, 64, 0, 255, 'uint8', n)) for n in range(13)]
    (tmp_path / 'in').mkdir()
    file = tmp_path / 'in/s.tif'
    pages[0].save(file, save_all=True, append_images=pages[1:])
    with pytest.raises(UserError, match=r"one image in '.*s\.tif', got 13 pages"):
        folder(tmp_path / 'in').full_init()


@pytest.mark.parametrize('loader', LOADERS)
def test_26_more_than_8_bits(tmp_path, loader):
    values = np.full((32, 32, 3), (500, 1500, 3500), np.uint16)
    cv2.imwrite(str(tmp_path / 'a_uint16.png'), values)
    cv2.imwrite(str(tmp_path / 'b_uint16.tif'), values)
    cv2.imwrite(str(tmp_path / 'c_float.tif'), (values / 1e4).astype(np.float32))
    for name, what in (('a', 'uint16'), ('b', 'uint16'), ('c', 'float32')):
        (tmp_path / name).mkdir()
        (file,) = tmp_path.glob(f'{name}_*')
        file.rename(tmp_path / name / file.name)
        with pytest.raises(UserError, match=rf"8 bits in '.*{name}_.*', got {what}; "):
            folder(tmp_path / name, loader).full_init()
    with pytest.raises(UserError, match='LogLuv'):
        folder(tmp_path / 'c', 'rsp.LoadImageFromFile', stretch=(0, 1)).full_init()
    stretched = folder(tmp_path / 'a', 'rsp.LoadImageFromFile', stretch=(0, 5000))
    assert (stretched[0]['img'] == (25, 76, 178)).all()


def test_27_sixteen_bit_image_nearly_black(tmp_path):
    """Also where it stands among others and is first seen when it is read."""
    for n in range(100):
        Image.fromarray(smooth(8, 8, 0, 255, 'uint8')).save(tmp_path / f'{n:03}.png')
    deep = np.random.default_rng(0).integers(0, 4000, (8, 8)).astype(np.uint16)
    cv2.imwrite(str(tmp_path / '047.png'), deep)
    dataset = folder(tmp_path, 'mmpretrain.LoadImageFromFile')
    assert dataset[46]['img'].shape == (8, 8, 3)
    with pytest.raises(UserError, match=r"8 bits in '.*047\.png', got uint16"):
        dataset[47]


def test_27_an_animation_named_as_a_photo_is_refused(tmp_path):
    frames = [Image.fromarray(smooth(8, 8, 0, 255, 'uint8', n)) for n in range(3)]
    file = tmp_path / 'a.jpg'
    frames[0].save(file, 'GIF', save_all=True, append_images=frames[1:])
    with pytest.raises(UserError, match=r"one image in '.*a\.jpg', got 3 frames"):
        folder(tmp_path).full_init()
    # The remedy.
    with Image.open(file) as image:
        image.seek(1)
        image.convert('L').save(tmp_path / 'b.png')
    file.unlink()
    np.testing.assert_array_equal(
        folder(tmp_path)[0]['img'][..., 0], np.asarray(frames[1])
    )
