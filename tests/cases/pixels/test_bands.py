"""Bands: alpha among them, other orders, pages, one file per band, other endings."""

import cv2
import numpy as np
import pytest
import rasterio
import rasterio.shutil
from mmengine.config import Config
from mmengine.registry import DefaultScope
from PIL import Image

from rsp.datasets import SceneDataset
from rsp.engine.train import training_config
from rsp.prepare.folder import prepare
from rsp.prepare.generate.options import Options
from rsp.prepare.report.warnings import find_warnings
from rsp.prepare.scan.folder import scan_folder
from rsp.registry import DATASETS


def smooth(size, low, high, dtype, bands=1, seed=0):
    rng = np.random.default_rng(seed)
    waves = np.add.outer(np.linspace(0, 9, size), np.linspace(0, 7, size))
    images = []
    for _ in range(bands):
        image = np.sin(waves + rng.random() * 6) + 0.2 * rng.random((size, size))
        image = (image - image.min()) / np.ptp(image)
        images.append((low + (high - low) * image).astype(dtype))
    return np.stack(images)


def write(file, pixels, place=0, names=None, size=10, **profile):
    file.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = pixels.shape
    facts = dict(
        driver='GTiff', count=count, height=height, width=width, dtype=pixels.dtype,
        crs='EPSG:32633',
        transform=rasterio.Affine(size, 0, 500_000 + 4000 * place, 0, -size, 5_000_000),
    )  # fmt: skip
    with rasterio.open(file, 'w', **facts | profile) as dataset:
        dataset.write(pixels)
        if names:
            dataset.descriptions = names


def run(tmp_path, folder='in', method='cmid', window=64, **options):
    """Prepare a folder; return what is printed, the config and its data set."""
    out = tmp_path / f'out_{folder}'
    options = Options(method, window=window, **options)
    said = str(prepare(tmp_path / folder, out, options, workers=0))
    cfg = training_config(str(out / f'{method}.py'))
    source, dataset = cfg.train_dataloader.dataset, None
    if source.type == 'rsp.SceneDataset':
        with DefaultScope.overwrite_default_scope('mmpretrain'):
            dataset = DATASETS.build(source)
    return said, cfg, dataset


def colors_of(dataset, number=0):
    """Return a window before the pipeline, in the order of ``bands``, and its file."""
    np.random.seed(number)
    item = dataset.get_data_info(number * len(dataset) // 30)
    pixels = item['img'][..., ::-1] if item['img'].shape[2] == 3 else item['img']
    return pixels, item


@pytest.mark.filterwarnings('ignore::rasterio.errors.NotGeoreferencedWarning')
@pytest.mark.parametrize('depth', [8, 16])
def test_07_georeferenced_png_config_cannot_train(tmp_path, depth):
    for number in range(8):
        if depth == 8:
            write(tmp_path / 'a.tif', smooth(128, 20, 200, 'uint8', 3, number), number)
            file = tmp_path / f'in/s{number}.png'
            file.parent.mkdir(exist_ok=True)
            rasterio.shutil.copy(str(tmp_path / 'a.tif'), str(file), driver='PNG')
        else:
            pixels = smooth(128, 300, 3000, 'uint16', 3, number)
            (tmp_path / 'in').mkdir(exist_ok=True)
            cv2.imwrite(str(tmp_path / f'in/s{number}.png'), np.dstack([*pixels]))
    _, _, dataset = run(tmp_path)
    assert len(dataset.images.scenes) == 8
    assert dataset[0]['inputs']


def test_07_previews_beside_rasters_are_no_scenes(tmp_path):
    for number in range(3):
        pixels = smooth(128, 20, 200, 'uint8', 3, number)
        write(tmp_path / f'in/s{number}.tif', pixels, number)
        preview = np.dstack([*pixels[:, ::2, ::2]])
        Image.fromarray(preview).save(tmp_path / f'in/s{number}.png')
    said, _, dataset = run(tmp_path)
    assert {s.path for s in dataset.images.scenes} == {'s0.tif', 's1.tif', 's2.tif'}
    assert '3 files are previews of rasters' in said


def test_07_georeferenced_png_beside_rasters(tmp_path):
    """All of them are scenes of one format, and so all are in the config."""
    for number in range(4):
        file = tmp_path / f'in/s{number}.tif'
        write(file, smooth(128, 20, 200, 'uint8', 3, number), number)
        if number:
            rasterio.shutil.copy(str(file), str(file.with_suffix('.png')), driver='PNG')
            file.unlink()
    _, _, dataset = run(tmp_path)
    assert len(dataset.images.scenes) == 4


@pytest.mark.parametrize('alpha', [1, 2, 4])
def test_11_alpha_that_is_not_the_last_band(tmp_path, alpha):
    interpretations = ['red', 'green', 'blue', 'undefined']
    interpretations.insert(alpha - 1, 'alpha')
    meaning = [rasterio.enums.ColorInterp[name] for name in interpretations]
    for number in range(4):
        pixels = smooth(128, 20, 60, 'uint8', 4, number)
        pixels += np.arange(4, dtype=np.uint8)[:, None, None] * 60
        pixels = np.insert(pixels, alpha - 1, 255, axis=0)
        write(tmp_path / f'in/s{number}.tif', pixels, number, photometric='MINISBLACK')
        with rasterio.open(tmp_path / f'in/s{number}.tif', 'r+') as dataset:
            dataset.colorinterp = meaning
    numbers = [n for n in range(1, 6) if n != alpha]
    labels = tmp_path / 'labels.jsonl'
    labels.write_text('')
    prepare(tmp_path / 'in', tmp_path / 'geokr',
            Options('geokr', labels=labels), workers=0)  # fmt: skip
    cfg = Config.fromfile(tmp_path / 'geokr/geokr.py')
    assert cfg.train_dataloader.dataset.bands == numbers
    # Red, green and blue, and any numbers that GDAL counts.
    _, cfg, dataset = run(tmp_path)
    assert cfg.train_dataloader.dataset.bands == numbers[:3]
    means = cfg.data_preprocessor.mean
    pixels, _ = colors_of(dataset)
    assert np.abs(pixels.mean((0, 1)) - means).max() < 25
    _, cfg, dataset = run(tmp_path, bands=(*numbers[:2], numbers[3]))
    pixels, item = colors_of(dataset)
    with rasterio.open(item['img_path']) as scene:
        stored = scene.read([*numbers[:2], numbers[3]])
    window = stored[(slice(None), *item['window'].slices)]
    assert (pixels == window.transpose(1, 2, 0)).all()
    assert np.abs(pixels.mean((0, 1)) - cfg.data_preprocessor.mean).max() < 25
    with pytest.raises(ValueError, match=rf'band {alpha} of .* is alpha'):
        run(tmp_path, bands=(1, 2, 3, 4, 5))
    with pytest.raises(ValueError, match='from 1 to 5'):
        run(tmp_path, bands=(numbers[0], numbers[1], 6))


def mixed(folder, told=True):
    """Write scenes in two orders, whose values tell the band: 20 to 60, 60 to 100..."""
    for number in range(10):
        pixels = np.stack(
            [smooth(96, 20 + 40 * b, 55 + 40 * b, 'uint8', seed=number)[0]
             for b in range(4)]
        )  # fmt: skip
        order = ['blue', 'green', 'red', 'nir']
        pixels = pixels[[2, 1, 0, 3]]
        if number >= 6:
            order, pixels = ['red', 'green', 'blue', 'nir'], pixels[[2, 1, 0, 3]]
        write(folder / f's{number}.tif', pixels, number, photometric='MINISBLACK',
              names=order if told or number < 6 else None)  # fmt: skip


def test_13_mixed_orders_of_bands(tmp_path):
    mixed(tmp_path / 'in')
    said, cfg, dataset = run(tmp_path)
    assert 'Red, green and blue are bands' in said
    assert cfg.train_dataloader.dataset.bands == ['red', 'green', 'blue']
    means = np.array(cfg.data_preprocessor.mean)
    assert ((means > [20, 60, 100]) & (means < [60, 100, 140])).all()
    files = set()
    for number in range(30):
        pixels, item = colors_of(dataset, number)
        files.add(item['img_path'][-6:])
        assert (pixels >= [20, 60, 100]).all()
        assert (pixels < [60, 100, 140]).all()
    assert len(files) >= 8


def test_13_all_bands_of_mixed_orders(tmp_path):
    mixed(tmp_path / 'in')
    labels = tmp_path / 'labels.jsonl'
    labels.write_text('')
    prepare(tmp_path / 'in', tmp_path / 'out',
            Options('geokr', labels=labels), workers=0)  # fmt: skip
    cfg = Config.fromfile(tmp_path / 'out/geokr.py')
    source = cfg.train_dataloader.dataset
    assert sorted(source.bands) == ['blue', 'green', 'nir', 'red']
    low = [dict(red=20, green=60, blue=100, nir=140)[name] for name in source.bands]
    means = np.array(cfg.data_preprocessor.mean)
    assert ((means > low) & (means < np.array(low) + 40)).all()


def test_13_orders_that_nobody_tells_are_a_warning(tmp_path):
    mixed(tmp_path / 'in', told=False)
    said, cfg, _ = run(tmp_path)
    assert 'some files do not say so' in said
    assert cfg.train_dataloader.dataset.bands == [3, 2, 1]
    # Its remedy: write the names.
    for number in range(6, 10):
        with rasterio.open(tmp_path / f'in/s{number}.tif', 'r+') as scene:
            scene.descriptions = ['red', 'green', 'blue', 'nir']
    said, cfg, _ = run(tmp_path)
    assert 'do not say' not in said
    assert cfg.train_dataloader.dataset.bands == ['red', 'green', 'blue']


@pytest.mark.filterwarnings('ignore::rasterio.errors.NotGeoreferencedWarning')
def test_14_multi_page_tiff(tmp_path):
    (tmp_path / 'in').mkdir()
    for number in range(4):
        pages = [Image.fromarray(p) for p in smooth(96, 0, 255, 'uint8', 13, number)]
        pages[0].save(
            tmp_path / f'in/s{number}.tif', save_all=True, append_images=pages[1:]
        )
    scan = scan_folder(tmp_path / 'in', tmp_path / 'scan', workers=0)
    said = ' '.join(find_warnings(scan))
    assert "(13 in 's0.tif'), of which only the first is read" in said
    # Images of which only a page would be seen are not trained on.
    with pytest.raises(ValueError, match='got 13 pages'):
        run(tmp_path)
    # Training says so, too.
    index = SceneDataset(tmp_path / 'in', 32).sampler.index
    assert '4 hold several images, the first is read' in index.describe()
    # The remedy.
    for number in range(4):
        file = tmp_path / f'in/s{number}.tif'
        pages = []
        for page in range(1, 14):
            with rasterio.open(f'GTIFF_DIR:{page}:{file}') as dataset:
                pages.append(dataset.read(1))
        write(tmp_path / f'bands/s{number}.tif', np.stack(pages), number)
    said, _, dataset = run(tmp_path, 'bands', bands=(13, 1))
    assert 'pages' not in said
    pixels, item = colors_of(dataset)
    with rasterio.open(f'GTIFF_DIR:13:{tmp_path}/in/{item["img_path"][-6:]}') as page:
        expected = page.read(1)[item['window'].slices]
    assert (pixels[..., 0] == expected).all()


def write_safe(folder):
    """Write case 23: two dates, of which the second has the offset of 1000."""
    for number in range(2):
        day = f'2021010{number + 1}T100000'
        baseline = ('0209', '0400')[number]
        root = folder / f'S2A_MSIL2A_{day}_N{baseline}_R022_T33TWM.SAFE/IMG_DATA'
        for size, names in ((10, 'B02 B03 B04 B08'), (20, 'B05 B11'), (60, 'B01')):
            for seed, name in enumerate(names.split()):
                pixels = smooth(3000 // size, 200, 4000, 'uint16', seed=seed)
                write(root / f'T33TWM_{day}_{name}_{size}m.tif',
                      pixels + np.uint16(1000 * number), number, size=size,
                      nodata=0)  # fmt: skip
        write(root / f'T33TWM_{day}_SCL_20m.tif', smooth(150, 1, 9, 'uint8'), number,
              size=20)  # fmt: skip


def test_23_one_file_per_band(tmp_path):
    write_safe(tmp_path / 'in')
    said, cfg, dataset = run(tmp_path, window=32, bands=('B05', 'nir', 'B01', 'red'))
    assert '14 files of one band each are the bands of 2 scenes' in said
    assert 'since processing baseline 04.00' in said
    assert 'no bands' in said
    source = cfg.train_dataloader.dataset
    assert source.bands == dict(
        names=['B05', 'nir', 'B01', 'red'], resampling='nearest', pixel_size=10.0
    )
    assert len(dataset.images.scenes) == 2
    for number in range(8):
        pixels, item = colors_of(dataset, number)
        scene = next(
            s for s in dataset.images.scenes if s.path[:40] in item['img_path']
        )
        for channel, (name, size) in enumerate(
            (('B05', 20), ('B08', 10), ('B01', 60), ('B04', 10))
        ):
            (file,) = (tmp_path / 'in' / scene.path).rglob(f'*_{name}_*.tif')
            with rasterio.open(file) as band:
                stored = band.read(1).astype(np.int64)
            if 'N0400' in scene.path:
                stored -= 1000
            stored = stored.repeat(size // 10, 0).repeat(size // 10, 1)
            assert (pixels[..., channel] == stored[item['window'].slices]).all()


def test_23_the_config_of_a_product_trains(tmp_path):
    write_safe(tmp_path / 'in')
    _, cfg, dataset = run(tmp_path, window=32)
    assert dataset[0]['inputs']
    mean = np.array(cfg.data_preprocessor.mean)
    assert (mean > 60).all()
    assert dataset.metainfo['band_names'] == ('red', 'green', 'blue')


def test_maps_of_classes_do_not_outvote_images(tmp_path):
    """A folder of three scenes and five maps of their ground."""
    for number in range(3):
        write(tmp_path / f'in/s{number}.tif', smooth(96, 20, 200, 'uint8', 3, number),
              number)  # fmt: skip
    for number in range(5):
        classes = np.repeat(np.repeat(smooth(12, 1, 9, 'uint8'), 8, 1), 8, 2)
        write(tmp_path / f'in/map{number}.tif', classes, number)
    said, _, dataset = run(tmp_path, window=32)
    assert '5 with 1 band of uint8 (a map of classes)' in said
    assert 'takes those with 3 bands of uint8' in said
    assert {s.path for s in dataset.images.scenes} == {'s0.tif', 's1.tif', 's2.tif'}


NAMES = ('B01', 'B02', 'B03', 'B04', 'B08')


@pytest.mark.parametrize(
    ('bands', 'names', 'drawn'),
    [
        ((1, 2, 3, 4, 5), [*NAMES], [4, 3, 2]),
        (('B08', 'red', 'green', 'blue'), ['B08', 'B04', 'B03', 'B02'], [2, 3, 4]),
        ((5, 4, 3), ['B08', 'B04', 'B03'], None),
        ((4, 5), ['B04', 'B08'], None),
        (None, None, None),  # Red, green and blue, as of any card.
    ],
)
def test_drafts_name_their_bands_on_the_card_and_draw_colors(
    tmp_path, bands, names, drawn
):
    for number in range(2):
        pixels = smooth(96, 300, 3000, 'uint16', 5, number)
        write(tmp_path / f'in/{number}.tif', pixels, number, NAMES)
    _, cfg, dataset = run(tmp_path, bands=bands)
    assert cfg.get('bands') == names
    hooks = [h for h in cfg.custom_hooks if h['type'] == 'rsp.ReconstructionHook']
    assert [hook.get('bands') for hook in hooks] == [drawn]
    if bands is not None:
        assert len(dataset.get_data_info(0)['img'].shape) == 3


def test_drafts_of_bands_that_nobody_names_leave_the_card_alone(tmp_path):
    write(tmp_path / 'in/a.tif', smooth(96, 300, 3000, 'uint16', 5))
    _, cfg, _ = run(tmp_path, bands=(1, 2, 3, 4, 5))
    assert cfg.get('bands') is None


def test_23_the_same_code_of_two_sensors_is_told(tmp_path):
    """Band 4 is red of Landsat 8, and infrared of Landsat 5."""
    for product, count in (
        ('LT05_L2SP_190030_20050101_20200901_02_T1', 5),
        ('LC08_L2SP_190030_20200101_20200901_02_T1', 7),
    ):
        for band in range(1, count + 1):
            pixels = np.full((1, 64, 64), 1000 * band, np.uint16)
            write(tmp_path / f'in/{product}_SR_B{band}.TIF', pixels, size=30)
    folder = str(tmp_path / 'in')
    data = SceneDataset(folder, 16, bands=['SR_B4'], reflectance=dict())
    assert 'red' in (said := data.images.describe_differing())
    assert 'nir' in said
    data = SceneDataset(folder, 16, bands=['red', 'nir'], reflectance=dict())
    assert data.images.describe_differing() == ''
    names = [[band.name for band in bands] for bands in data.images.chosen]
    assert sorted(names) == [['B3', 'B4'], ['B4', 'B5']]


def test_11_infrared_of_naip_that_is_called_alpha_is_found_by_name(tmp_path):
    pixels = smooth(96, 10, 250, 'uint8', 4)
    file = tmp_path / 'in/m_3912345_ne_10_060_20200101.tif'
    write(file, pixels, photometric='RGB', alpha='yes')
    data = SceneDataset(str(tmp_path / 'in'), 96, bands=['nir', 'red'], stretch=None)
    image = data.get_data_info(0)['img']
    np.testing.assert_array_equal(image, pixels[[3, 0]].transpose(1, 2, 0))
    # A mask is none.
    pixels[3] = np.where(pixels[3] > 90, 255, 0)
    write(file, pixels, photometric='RGB', alpha='yes')
    with pytest.raises(ValueError, match="expected a band 'nir'"):
        SceneDataset(str(tmp_path / 'in'), 96, bands=['nir', 'red'], stretch=None)


def test_23_bands_that_lie_apart_are_told(tmp_path):
    for place, color in enumerate(('red', 'green', 'blue')):
        pixels = smooth(64, 300, 3000, 'uint16', seed=place)
        write(tmp_path / f'in/site_{color}.tif', pixels, place // 2)
    words = 'are bands of one scene, but they differ in place'
    scan = scan_folder(tmp_path / 'in', tmp_path / 'out', workers=0)
    assert any(words in line for line in find_warnings(scan))
    # Its remedy: one grid.
    write(tmp_path / 'in/site_blue.tif', smooth(64, 300, 3000, 'uint16'))
    scan = scan_folder(tmp_path / 'in', tmp_path / 'out', workers=0)
    assert [*scan.parts] == ['site']
    assert not any(words in line for line in find_warnings(scan))
