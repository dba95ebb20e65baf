"""Cases of images that were read wrongly: bands, bits, palettes, pages, sizes."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image
from tiffs import write_tiff

from rsp.cli import main
from rsp.datasets import ImageFolder
from rsp.errors import UserError
from rsp.prepare.tile import dota_images
from rsp.prepare.tile.dota_settings import Settings
from rsp.registry import DATASETS

rasterio = pytest.importorskip('rasterio', reason="needs the 'geo' extra")

SCOPES = ('', 'mmpretrain.', 'mmcv.', 'rsp.')
Window = rasterio.windows.Window
LOADERS = [f'{scope}LoadImageFromFile' for scope in SCOPES]


@pytest.fixture
def tasks():
    """Register the data sets of all tasks."""
    for task in ('detection', 'oriented_detection', 'segmentation'):
        pytest.importorskip(f'rsp.tasks.{task}')


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


def test_01_the_cutting_tools_read_the_same_bands(tmp_path):
    pixels = four_bands(tmp_path / 'images')
    argv = [str(tmp_path / 'images'), str(tmp_path / 'out'), '--size', '64']
    main('prepare tile-images', argv=argv)
    tiles = sorted((tmp_path / 'out').iterdir())
    assert len(tiles) == 2 * 4
    for tile in tiles:
        _, top, left = tile.stem.split('_')
        expected = pixels[:3, int(top) :, int(left) :][:, :64, :64]
        with Image.open(tile) as image:
            np.testing.assert_array_equal(image, expected.transpose(1, 2, 0))
    dota_images.split_folder(
        tmp_path / 'images',
        None,
        tmp_path / 'dota',
        Settings(size=128, gap=32),
        workers=0,
    )
    for patch in (tmp_path / 'dota/images').iterdir():
        with Image.open(patch) as image:
            part = np.asarray(image)
        np.testing.assert_array_equal(part[:96, :96], pixels[:3].transpose(1, 2, 0))
        assert (part[96:] == (124, 116, 104)).all()


def voc(root):
    (root / 'Annotations').mkdir()
    for file in (root / 'images').iterdir():
        (root / f'Annotations/{file.stem}.xml').write_text('<annotation/>')
    return dict(
        type='rsp.VOCDetectionDataset', img_subdir='images', ann_subdir='Annotations'
    )


def coco(root):
    names = [file.name for file in (root / 'images').iterdir()]
    images = [dict(id=n, file_name=name) for n, name in enumerate(names)]
    content = dict(images=images, annotations=[], categories=[])
    (root / 'a.json').write_text(json.dumps(content))
    return dict(ann_file='a.json', data_prefix=dict(img='images'))


def coco_of_outlines(root):
    return coco(root) | dict(data_prefix=dict(img_path='images'))


def dota(root):
    return dict(type='rsp.OrientedDOTADataset', data_prefix=dict(img_path='images'))


def masks(root):
    (root / 'ann').mkdir()
    for file in (root / 'images').iterdir():
        Image.fromarray(np.zeros((96, 96), np.uint8)).save(
            root / f'ann/{file.stem}.png'
        )
    prefix = dict(img_path='images', seg_map_path='ann')
    return dict(type='rsp.MaskFolder', data_prefix=prefix, img_suffix='.tif')


DATA_SETS = dict(
    VOCDetectionDataset=voc, CocoDetectionDataset=coco, OrientedDOTADataset=dota,
    OrientedCocoDataset=coco_of_outlines,
    MaskFolder=masks,
)  # fmt: skip


@pytest.mark.parametrize(
    'scope', ['', 'mmcv.', 'mmdet.', 'mmseg.', 'mmrotate.', 'rsp.']
)
@pytest.mark.parametrize('name', DATA_SETS)
def test_01_every_data_set_reads_the_same_bands(tmp_path, name, scope, tasks):
    pixels = four_bands(tmp_path / 'images')
    config = DATA_SETS[name](tmp_path) | dict(
        type=f'rsp.{name}',
        data_root=str(tmp_path),
        metainfo=dict(classes=('ship',)),
        pipeline=[dict(type=f'{scope}LoadImageFromFile')],
    )
    for sample in DATASETS.build(config):
        np.testing.assert_array_equal(
            sample['img'], pixels[2::-1].transpose(1, 2, 0), sample['img_path']
        )


def test_01_both_dates_of_a_change_pair(tmp_path):
    pytest.importorskip('mmseg')
    for part in 'AB':
        pixels = four_bands(tmp_path / part)
    (tmp_path / 'label').mkdir()
    for name in ('strips', 'cog'):
        Image.new('L', (96, 96)).save(tmp_path / f'label/{name}.png')
    from rsp.tasks.change_detection import ChangeDataset, LoadChangePair

    dataset = ChangeDataset(data_root=str(tmp_path), pipeline=[LoadChangePair()])
    for sample in dataset:
        both = np.concatenate([pixels[:3], pixels[:3]]).transpose(1, 2, 0)
        np.testing.assert_array_equal(sample['img'], both)


def test_02_sixteen_bit_images_turn_dark(tmp_path, tasks):
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
    argv = [str(tmp_path / 'in'), '--out', str(tmp_path / 'out'), '--recipe', 'small']
    with pytest.raises(SystemExit, match=r"error: expected one image in '.*s\.tif'"):
        main('prepare scan', argv=[*argv, '--window', '64'])
    # Beside others it is left out of the config.
    for n in range(4):
        pages[n].save(tmp_path / f'in/{n}.tif')
    main('prepare scan', argv=[*argv, '--window', '64'])
    listed = (tmp_path / 'out/images.txt').read_text().split()
    assert listed == ['0.tif', '1.tif', '2.tif', '3.tif']


def test_14_the_remedy_makes_bands_of_pages(tmp_path):
    tifffile = pytest.importorskip('tifffile')
    pages = [Image.fromarray(smooth(64, 60, 0, 255, 'uint8', n)) for n in range(13)]
    file = tmp_path / 's.tif'
    pages[0].save(file, save_all=True, append_images=pages[1:])
    (tmp_path / 'in').mkdir()
    out, stack = tmp_path / 'in/out.tif', tifffile.imread(file).transpose(1, 2, 0)
    tifffile.imwrite(out, stack, photometric='minisblack', planarconfig='contig')
    (sample,) = folder(tmp_path / 'in')
    np.testing.assert_array_equal(sample['img'][..., ::-1], np.dstack(pages[:3]))


def test_21_large_images_are_cut_by_windows(tmp_path):
    """A billion pixels and more are beyond OpenCV, a third of that beyond Pillow."""
    (tmp_path / 'in').mkdir()
    place = dict(transform=rasterio.Affine(1, 0, 5e5, 0, -1, 5e6), crs='EPSG:32633')
    with rasterio.open(
        tmp_path / 'in/big.tif', 'w', driver='GTiff', count=3, height=34000,
        width=34000, dtype='uint8', photometric='RGB', tiled=True, BIGTIFF='YES',
        compress='deflate', SPARSE_OK=True, **place,
    ) as data:  # fmt: skip
        data.write(np.full((3, 8, 8), 7, 'u1'), window=Window(30000, 30000, 8, 8))
    argv = [str(tmp_path / 'in'), str(tmp_path / 'out'), '--size', '2000']
    main('prepare tile-images', argv=[*argv, '--stride', '15000'])
    tiles = sorted(file.name for file in (tmp_path / 'out').iterdir())
    assert len(tiles) == 4 * 4
    with Image.open(tmp_path / 'out/big_30000_30000.png') as image:
        assert (
            np.asarray(image)[:9, :9].tolist()
            == np.pad(np.full((8, 8, 3), 7), ((0, 1), (0, 1), (0, 0))).tolist()
        )
    with pytest.raises(UserError, match=r"pixels in '.*big\.tif', got 34,000 x 34,000"):
        folder(tmp_path / 'in').full_init()


def test_21_sizes_come_from_headers(tmp_path, tasks):
    """Of 16 bits, which Pillow does not know; of 400 million pixels, its bomb."""
    deep = np.stack([smooth(300, 200, 300, 3000, 'uint16', n) for n in range(3)])
    write_tiff(tmp_path / 'dota/images/P1.tif', deep)
    (tmp_path / 'dota/labelTxt').mkdir()
    (tmp_path / 'dota/labelTxt/P1.txt').write_text('10 10 60 10 60 40 10 40 ship 0')
    main('prepare convert dota-coco', argv=[f'{tmp_path}/dota', f'{tmp_path}/o.json'])
    (image,) = json.loads((tmp_path / 'o.json').read_text())['images']
    assert (image['width'], image['height']) == (200, 300)
    for part in ('images', 'Annotations'):
        (tmp_path / 'voc' / part).mkdir(parents=True)
    place = dict(transform=rasterio.Affine(1, 0, 5e5, 0, -1, 5e6), crs='EPSG:32633')
    with rasterio.open(
        tmp_path / 'voc/images/a.tif', 'w', driver='GTiff', count=1, height=20000,
        width=20000, dtype='uint8', tiled=True, compress='deflate', SPARSE_OK=True,
        **place,
    ):  # fmt: skip
        pass
    (tmp_path / 'voc/Annotations/a.xml').write_text('<annotation/>')
    config = dict(
        type='rsp.VOCDetectionDataset',
        data_root=str(tmp_path / 'voc'),
        img_subdir='images',
        metainfo=dict(classes=('car',)),
    )
    sample = DATASETS.build(config).get_data_info(0)
    assert (sample['height'], sample['width']) == (20000, 20000)


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


def test_26_the_remedy_of_a_tool_is_a_stretch(tmp_path):
    deep = np.stack([smooth(64, 64, 300, 3000, 'uint16', n) for n in range(3)])
    write_tiff(tmp_path / 'in/a.tif', deep)
    argv = [str(tmp_path / 'in'), str(tmp_path / 'out'), '--size', '64']
    with pytest.raises(
        SystemExit, match=r"8 bits in '.*a\.tif', got uint16.*--stretch"
    ):
        main('prepare tile-images', argv=argv)
    main('prepare tile-images', argv=[*argv, '--stretch', '300', '3000'])
    (sample,) = folder(tmp_path / 'out')
    expected = ((deep[::-1] - 300.0) / 2700 * 255).astype(np.uint8)
    np.testing.assert_array_equal(sample['img'], expected.transpose(1, 2, 0))


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
