"""No-data, masks, caches and place of scenes and maps, as users have them."""

import os

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp

from rsp.datasets.scenes import SceneDataset
from rsp.geo.scene_index import SceneIndex
from rsp.prepare.folder import prepare
from rsp.prepare.generate.options import Options
from rsp.prepare.label.folder import make_labels
from rsp.prepare.label.job import LabelJob
from rsp.prepare.scan.folder import scan_folder


def smooth(size, low, high, dtype, bands=1, seed=0):
    """Return pixels (bands, size, size) of some texture."""
    rng = np.random.default_rng(seed)
    waves = np.add.outer(np.linspace(0, 9, size), np.linspace(0, 7, size))
    pixels = np.stack([np.sin(waves + 6 * rng.random()) for _ in range(bands)])
    pixels += 0.2 * rng.random(pixels.shape)
    pixels = (pixels - pixels.min()) / np.ptp(pixels)
    return (low + (high - low) * pixels).astype(dtype)


def write(path, pixels, place=0, mask=None, colors=None, internal=True, **profile):
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = pixels.shape
    options = dict(
        driver='GTiff', count=count, height=height, width=width, dtype=pixels.dtype,
        crs='EPSG:32633', transform=Affine(10, 0, 5e5 + 4000 * place, 0, -10, 5e6),
    )  # fmt: skip
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=internal),
        rasterio.open(path, 'w', **options | profile) as file,
    ):
        if colors is not None:
            file.colorinterp = colors
        file.write(pixels)
        if mask is not None:
            file.write_mask(mask)
    return path


def half_masked(size):
    mask = np.full((size, size), 255, np.uint8)
    mask[: size // 2] = 0
    return mask


def label(folder, out, class_map='worldcover', **options):
    job = LabelJob(str(folder / 'scenes'), [str(folder / 'map')], class_map, **options)
    return make_labels(job, out, with_map=False, workers=0)


def test_03_alpha_beside_more_than_four_bands(tmp_path):
    colors = [
        ColorInterp.red, ColorInterp.green, ColorInterp.blue,
        ColorInterp.undefined, ColorInterp.undefined, ColorInterp.alpha,
    ]  # fmt: skip
    for place in range(2):
        pixels = smooth(300, 2000, 20000, 'uint16', 6, place)
        pixels[:, :100] = pixels[5] = 65535
        pixels[5, :100] = 0
        write(tmp_path / 's' / f'{place}.tif', pixels, place, colors=colors)
    scan = scan_folder(tmp_path / 's', tmp_path / 'out', workers=0)
    assert [file.bands for file in scan.files] == [5, 5]
    assert [file.nodata_share for file in scan.files] == pytest.approx([1 / 3] * 2)
    assert all(band.high <= 20000 for band in scan.stored['5 bands of uint16'])
    scene = SceneIndex.build(tmp_path / 's').scenes[0]
    assert (scene.mask, scene.data_bands) == ('band', (1, 2, 3, 4, 5))
    assert scene.valid_share == pytest.approx(2 / 3)
    assert scene.stretch[1] <= 20000
    data = SceneDataset(tmp_path / 's', 64)
    assert data.images.bands == (1, 2, 3, 4, 5)
    np.random.seed(0)
    for number in range(20):
        info = data.get_data_info(number)
        assert info['window'].bottom > 100
        assert (info['img'][max(100 - info['window'].top, 0) :] < 255).any()


@pytest.mark.parametrize('internal', [True, False])
def test_04_mask_of_a_land_cover_map(tmp_path, internal):
    cover = np.full((1, 100, 100), 10, np.uint8)
    cover[0, 50:] = 80
    mask = half_masked(100)[::-1]
    write(tmp_path / 'map/lc.tif', cover, mask=mask, internal=internal)
    write(tmp_path / 'scenes/a.tif', smooth(100, 20, 200, 'uint8', 3))
    summary = label(tmp_path, tmp_path / 'out')
    cells = {name: n for name, n in summary['cells'].items() if n}
    assert cells == {'Forest': 5000}
    assert summary['nodata'] == 5000


def test_04_alpha_of_a_land_cover_map(tmp_path):
    cover = np.full((2, 100, 100), 10, np.uint8)
    cover[0], cover[1] = 255, 20
    cover[0, :25] = 0
    colors = [ColorInterp.alpha, ColorInterp.gray]
    write(tmp_path / 'map/lc.tif', cover, colors=colors, photometric='MINISBLACK')
    write(tmp_path / 'scenes/a.tif', smooth(100, 20, 200, 'uint8', 3))
    summary = label(tmp_path, tmp_path / 'out')
    assert summary['cells']['Shrubland'] == 7500
    assert summary['nodata'] == 2500


def test_04_a_map_that_is_masked_below_a_scene_is_no_data(tmp_path):
    cover = np.full((1, 100, 100), 10, np.uint8)
    write(tmp_path / 'map/lc.tif', cover, mask=np.zeros((100, 100), np.uint8))
    write(tmp_path / 'scenes/a.tif', smooth(100, 20, 200, 'uint8', 3))
    summary = label(tmp_path, tmp_path / 'out')
    assert [*summary['skipped']] == ['no data']


def test_04_what_a_mask_hides_is_left_to_the_next_raster(tmp_path):
    write(
        tmp_path / 'map/a.tif',
        np.full((1, 100, 100), 10, np.uint8),
        mask=half_masked(100),
    )
    write(tmp_path / 'map/b.tif', np.full((1, 100, 100), 80, np.uint8))
    write(tmp_path / 'scenes/a.tif', smooth(100, 20, 200, 'uint8', 3))
    cells = label(tmp_path, tmp_path / 'out')['cells']
    assert (cells['Forest'], cells['Waterbodies']) == (5000, 5000)


COLORMAP = {
    k: ((k * 37) % 256, (k * 91) % 256, (k * 53) % 256, 255) for k in range(256)
}


def write_palette(path, indices, place=0, **profile):
    write(path, indices, place, photometric='palette', **profile)
    with rasterio.open(path, 'r+') as file:
        file.write_colormap(1, COLORMAP)
    table = np.array([COLORMAP[k][:3] for k in range(256)], np.uint8)
    return table[indices[0]]


def test_06_palette_read_as_grey(tmp_path):
    colors = [
        write_palette(tmp_path / f's/{n}.tif', smooth(300, 0, 255, 'uint8', seed=n), n)
        for n in range(2)
    ]
    scan = scan_folder(tmp_path / 's', tmp_path / 'out', workers=0)
    assert [*scan.stored] == ['3 bands of uint8']
    together = np.concatenate([c.reshape(-1, 3) for c in colors])
    together = together[together.any(axis=1)]
    means = [band.mean for band in scan.stored['3 bands of uint8']]
    assert means == pytest.approx(together.mean(axis=0))
    text = prepare(tmp_path / 's', tmp_path / 'out', Options('cmid', True), workers=0)
    assert '2 files hold palette indices' in text
    assert 'red, green and blue' in text
    data = SceneDataset(tmp_path / 's', 64, stretch=None)
    info = data.get_data_info(0)
    rows, columns = info['window'].slices
    number = int(info['img_path'][-5])
    assert (info['img'][..., ::-1] == colors[number][rows, columns]).all()


def test_06_no_data_and_masks_of_a_palette(tmp_path):
    indices = smooth(100, 1, 255, 'uint8')
    indices[:, :50] = 7
    write_palette(tmp_path / 'a.tif', indices, nodata=7)
    indices = smooth(100, 1, 255, 'uint8')
    write_palette(tmp_path / 'b.tif', indices, 1, mask=half_masked(100))
    for scene in SceneIndex.build(tmp_path).scenes:
        assert (scene.mask, scene.bands, scene.palette) == ('band', 3, True)
        assert scene.valid_share == pytest.approx(0.5, abs=0.02)
        assert not scene.valid_mask[:50].any()


def change_mask(folder):
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False),
        rasterio.open(folder / 'a.tif', 'r+') as file,
    ):
        file.write_mask(half_masked(300))


def change_nodata(folder):
    (folder / 'a.tif.aux.xml').write_text(
        '<PAMDataset><PAMRasterBand band="1"><NoDataValue>20</NoDataValue>'
        '</PAMRasterBand></PAMDataset>'
    )


def change_place(folder):
    (folder / 'a.tfw').write_text('20\n0\n0\n-20\n5\n6\n')


def test_09_index_does_not_see_files_beside_the_raster(tmp_path):
    write(tmp_path / 'a.tif', smooth(300, 20, 200, 'uint8', 3), photometric='RGB')
    assert SceneIndex.build(tmp_path).scenes[0].mask == 'none'
    change_mask(tmp_path)
    assert (tmp_path / 'a.tif.msk').is_file()
    (scene,) = SceneIndex.build(tmp_path).scenes
    assert (scene.mask, scene.valid_share) == ('band', 0.5)
    (tmp_path / 'a.tif.msk').unlink()
    assert SceneIndex.build(tmp_path).scenes[0].mask == 'none'


@pytest.mark.filterwarnings('ignore::rasterio.errors.NotGeoreferencedWarning')
@pytest.mark.parametrize('change', [change_mask, change_nodata, change_place])
@pytest.mark.parametrize('cache', ['index', 'scan', 'labels'])
def test_09_each_cache_notices_each_file_beside_a_raster(tmp_path, change, cache):
    place = dict(transform=None) if change is change_place else {}
    folder = tmp_path / 'scenes'
    write(folder / 'a.tif', smooth(300, 20, 200, 'uint8', 3), **place)

    def facts():
        if cache == 'index':
            (scene,) = SceneIndex.build(folder).scenes
            return scene.mask, scene.transform
        if cache == 'scan':
            (file,) = scan_folder(folder, tmp_path / 'out', workers=0).files
            return file.nodata, file.pixel_size
        job = LabelJob(str(folder), [])
        return [part['key'] for part in job.split(['a.tif'])]

    before = facts()
    assert facts() == before
    change(folder)
    after = facts()
    assert after != before
    for file in folder.glob('a.*'):
        if file.name != 'a.tif':
            file.unlink()
    assert facts() == before


def test_09_sources_of_a_virtual_raster(tmp_path):
    source = write(tmp_path / 'tiles/a.tif', smooth(300, 20, 200, 'uint8', 1))
    (tmp_path / 's').mkdir()
    (tmp_path / 's/m.vrt').write_text(
        '<VRTDataset rasterXSize="300" rasterYSize="300"><GeoTransform>0, 1, 0, 0, 0, '
        '-2</GeoTransform><VRTRasterBand dataType="Byte" band="1">'
        '<SimpleSource><SourceFilename relativeToVRT="1">../tiles/a.tif'
        '</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand>'
        '</VRTDataset>'
    )
    first = SceneIndex.build(tmp_path / 's').scenes[0]
    assert SceneIndex.build(tmp_path / 's').scenes[0] == first
    write(source, smooth(300, 50, 90, 'uint8', 1))
    os.utime(source, ns=(1, 1))
    second = SceneIndex.build(tmp_path / 's').scenes[0]
    assert second.stretch[1] <= 90 < first.stretch[1]
    source.unlink()
    index = SceneIndex.build(tmp_path / 's')
    assert [entry.path for entry in index.unreadable] == ['m.vrt']
    write(source, smooth(300, 50, 90, 'uint8', 1))
    assert SceneIndex.build(tmp_path / 's').scenes[0].stretch == second.stretch
