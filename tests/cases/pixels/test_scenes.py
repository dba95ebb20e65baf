"""No-data, masks, caches and place of scenes and maps, as users have them."""

import json
import os
import re

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.rpc import RPC
from rasterio.warp import calculate_default_transform, reproject

from rsp.datasets.land_cover_images import LandCoverImages
from rsp.datasets.scenes import SceneDataset
from rsp.geo.footprint import Footprint
from rsp.geo.scene_index import SceneIndex
from rsp.geo.windows.window import Window
from rsp.prepare.folder import prepare
from rsp.prepare.generate.options import Options
from rsp.prepare.label.folder import make_labels
from rsp.prepare.label.job import LabelJob
from rsp.prepare.scan.folder import scan_folder
from rsp.prepare.tile.scene import TileSettings
from rsp.prepare.tile.scenes import tile_scenes


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
    text = str(
        prepare(tmp_path / 's', tmp_path / 'out', Options('cmid', True), workers=0)
    )
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


def write_half_empty(folder, **profile):
    pixels = smooth(256, 20, 200, 'uint8', 3)
    pixels[:, :, :128] = 0
    write(folder / 'scenes/a.tif', pixels, photometric='RGB', **profile)
    write(folder / 'map/lc.tif', np.full((1, 256, 256), 10, np.uint8), nodata=0)


@pytest.mark.parametrize('profile', [dict(nodata=0), {}, dict(mask=True)])
def test_10_windows_without_pixels_get_labels(tmp_path, profile):
    if 'mask' in profile:
        profile = dict(mask=half_masked(256).T.copy())
    write_half_empty(tmp_path, **profile)
    summary = label(tmp_path, tmp_path / 'out', crop_size=64)
    assert summary['labeled'] == 8
    assert len(summary['skipped']['no pixels']) == 8
    (tmp_path / 'out/labels.jsonl').read_text()
    report = (tmp_path / 'out/report.md').read_text()
    assert 'more pixels without data than --max-nodata allows: 8' in report
    windows = dict(type='rsp.LabeledWindowSampler', file=str(tmp_path / 'out'))
    data = SceneDataset(tmp_path / 'scenes', windows, stretch=None)
    assert len(data) == 8
    assert all(data[n]['img'].any(axis=2).all() for n in range(8))


def test_10_the_bound_is_that_of_random_windows(tmp_path):
    pixels = smooth(256, 20, 200, 'uint8', 3)
    for number in range(4):  # 0, 1/16, 1/8 and 3/16 of the windows in each row
        pixels[:, 64 * number : 64 * number + 4 * number] = 0
    write(tmp_path / 'scenes/a.tif', pixels, nodata=0)
    write(tmp_path / 'map/lc.tif', np.full((1, 256, 256), 10, np.uint8))
    assert label(tmp_path, tmp_path / '1', crop_size=64)['labeled'] == 8
    all_but = label(tmp_path, tmp_path / '2', crop_size=64, max_nodata=1.0)
    assert (all_but['labeled'], all_but['skipped']) == (16, {})
    windows = dict(type='rsp.LabeledWindowSampler', file=str(tmp_path / '2'))
    for bound, kept in ((0.1, 8), (0.0, 4), (0.15, 12), (1.0, 16)):
        data = SceneDataset(tmp_path / 'scenes', windows | dict(max_nodata=bound))
        assert len(data) == kept


def test_10_label_files_of_before_that_do_not_tell_it(tmp_path):
    write_half_empty(tmp_path, nodata=0)
    label(tmp_path, tmp_path / 'out', crop_size=64, max_nodata=1.0)
    file = tmp_path / 'out/labels.jsonl'
    header, *lines = map(json.loads, file.read_text().splitlines())
    every = [dict(lines[0], window=[64 * n, 0, 64, 64]) for n in range(4)]
    file.write_text('\n'.join(map(json.dumps, [header, *every])))
    windows = dict(type='rsp.LabeledWindowSampler', file=str(file))
    assert len(SceneDataset(tmp_path / 'scenes', windows)) == 2


def test_10_tiles_that_are_empty_teach_nothing(tmp_path):
    for number in range(3):
        pixels = smooth(64, 20, 200, 'uint8', 3)
        pixels[:, : 16 * number] = 0
        write(tmp_path / f'scenes/{number}.tif', pixels, nodata=0, photometric='RGB')
    write(tmp_path / 'map/lc.tif', np.full((1, 256, 256), 10, np.uint8))
    root = str(tmp_path / 'scenes')
    assert label(tmp_path, tmp_path / '1')['labeled'] == 1
    assert label(tmp_path, tmp_path / '2', max_nodata=1.0)['labeled'] == 3
    assert len(LandCoverImages(str(tmp_path / '1'), root)) == 1
    assert len(LandCoverImages(str(tmp_path / '2'), root)) == 1
    assert len(LandCoverImages(str(tmp_path / '2'), root, max_nodata=0.3)) == 2


def test_10_windows_of_a_large_scene_are_judged_by_all_their_pixels(tmp_path):
    pixels = smooth(1500, 20, 200, 'uint8', 1)
    rng = np.random.default_rng(1)
    pixels[:, rng.random((1500, 1500)) < 0.09] = 0
    pixels[:, rng.random((1500, 1500)) < 0.001 * np.arange(1500) / 150] = 0
    write(tmp_path / 'scenes/a.tif', pixels, nodata=0)
    write(tmp_path / 'map/lc.tif', np.full((1, 1500, 1500), 10, np.uint8))
    label(tmp_path, tmp_path / 'out', crop_size=100)
    lines = (tmp_path / 'out/labels.jsonl').read_text().splitlines()[1:]
    labeled = {tuple(json.loads(line)['window'][:2]) for line in lines}
    filled = (pixels[0] == 0).reshape(15, 100, 15, 100).mean((1, 3))
    rows, columns = np.nonzero(filled <= 0.1)
    assert labeled == {*zip(100 * columns, 100 * rows, strict=True)}
    assert 10 < len(labeled) < 215


def write_tied(path, rpcs=None):
    """Write a scene that only ground control points, or RPCs, tie to the ground."""
    pixels = smooth(300, 10, 900, 'uint16')
    write(path, pixels, crs=None, transform=None)
    with rasterio.open(path, 'r+') as file:
        if rpcs is not None:
            file.rpcs = rpcs
            return path
        rows, columns = np.meshgrid([0, 150, 299], [0, 150, 299])
        points = [
            GroundControlPoint(r, c, 15 + 1e-4 * c + 3e-5 * r, 45 - 1e-4 * r)
            for r, c in zip(rows.ravel(), columns.ravel(), strict=True)
        ]
        file.gcps = points, CRS.from_epsg(4326)
    return path


def affine_rpcs():
    """Return coefficients that are linear in longitude and latitude, 300 x 300."""
    one = [1.0] + [0.0] * 19
    line, sample = [0.0] * 20, [0.0] * 20
    line[2], sample[1] = -1.0, 1.0
    return RPC(
        height_off=0, height_scale=500, lat_off=45, lat_scale=0.015,
        line_den_coeff=one, line_num_coeff=line, line_off=150, line_scale=150,
        long_off=15, long_scale=0.015, samp_den_coeff=one, samp_num_coeff=sample,
        samp_off=150, samp_scale=150, err_bias=None, err_rand=None,
    )  # fmt: skip


@pytest.mark.filterwarnings('ignore::rasterio.errors.NotGeoreferencedWarning')
@pytest.mark.parametrize('kind', ['ground control points', 'RPCs'])
def test_16_scenes_with_ground_control_points(tmp_path, kind):
    rpcs = affine_rpcs() if kind == 'RPCs' else None
    file = write_tied(tmp_path / 'scenes/s1a-iw-grd-vv.tiff', rpcs)
    cover = np.full((1, 400, 400), 10, np.uint8)
    place = Affine(1e-4, 0, 14.98, 0, -1e-4, 45.02)
    write(tmp_path / 'map/lc.tif', cover, crs='EPSG:4326', transform=place)
    said = [label(tmp_path, tmp_path / 'out')['skipped']['without georeference'][0][2]]
    with pytest.raises(ValueError, match='no tile of any') as error:
        tile_scenes(
            tmp_path / 'scenes', tmp_path / 'tiles', TileSettings(64, 64), workers=0
        )
    said.append(str(error.value))
    land_cover = dict(rasters=str(tmp_path / 'map'), class_map='worldcover')
    with pytest.raises(ValueError, match='1 have none') as error:
        SceneDataset(tmp_path / 'scenes', 64, land_cover=land_cover)
    said.append(str(error.value))
    options = Options('cmid', True, window=64)
    said.append(str(prepare(tmp_path / 'scenes', tmp_path / 'p', options, workers=0)))
    codes = [re.search(r'gdalwarp -t_srs (EPSG:\d+) IN OUT', text)[1] for text in said]
    # At 15 degrees east a zone begins.
    assert {*codes} <= {'EPSG:32633', 'EPSG:32632'}
    assert all(kind in text for text in said)
    assert not any('gdal_edit' in text for text in said)
    follow_gdalwarp(file, codes[0])
    assert label(tmp_path, tmp_path / 'warped', max_nodata=0.9)['labeled'] == 1
    SceneDataset(tmp_path / 'scenes', 64, land_cover=land_cover)[0]


def follow_gdalwarp(file, code):
    """Do what `gdalwarp -t_srs CODE IN OUT` does, and put OUT in the place of IN."""
    warped = file.with_name('warped.tif')
    with rasterio.open(file) as source:
        (points, crs), rpcs = source.gcps, source.rpcs
        tie = dict(gcps=points, src_crs=crs) if points else dict(rpcs=rpcs)
        height, width = source.shape
        target, columns, rows = calculate_default_transform(
            crs or CRS.from_epsg(4326), code, width, height,
            **(dict(gcps=points) if points else dict(rpcs=rpcs)),
        )  # fmt: skip
        pixels = np.zeros((source.count, rows, columns), source.dtypes[0])
        tie.setdefault('src_crs', CRS.from_epsg(4326))
        reproject(source.read(), pixels, dst_transform=target, dst_crs=code, **tie)
    write(warped, pixels, crs=code, transform=target)
    warped.replace(file)


@pytest.fixture
def told(monkeypatch):
    """Collect what data sets log."""
    lines = []

    def remember(message, *_, **__):
        lines.append(message)

    for module in ('scenes', 'window_fractions'):
        monkeypatch.setattr(f'rsp.datasets.{module}.print_log', remember)
    return lines


def test_24_map_that_declares_a_class_as_no_data(tmp_path, told):
    pixels = smooth(256, 20, 200, 'uint8', 3)
    write(tmp_path / 'scenes/a.tif', pixels, photometric='RGB')
    cover = np.full((1, 256, 256), 1, np.uint8)
    cover[0, :, :128] = 0
    write(tmp_path / 'map/dw.tif', cover, nodata=0)
    (note,) = label(tmp_path, tmp_path / 'l', 'dynamic-world')['notes']
    assert '1 of 1 files declare 0 as no data, which is Waterbodies' in note
    options = dict(land_cover=tmp_path / 'map', class_map='dynamic-world', window=64)
    options = Options('geokr', True, **options)
    text = str(prepare(tmp_path / 'scenes', tmp_path / 'out', options, workers=0))
    assert note in text
    land_cover = dict(rasters=str(tmp_path / 'map'), class_map='dynamic-world')
    SceneDataset(tmp_path / 'scenes', 64, land_cover=land_cover)
    assert [line for line in told if note in line]
    # The remedy that it names.
    land_cover['class_map'] = dict(base='dynamic-world', nodata=[0])
    told.clear()
    data = SceneDataset(tmp_path / 'scenes', 64, land_cover=land_cover)
    assert not [line for line in told if 'no data' in line]
    assert data.fractions.land_cover.count(
        Footprint.from_window(
            Affine(10, 0, 5e5, 0, -10, 5e6),
            CRS.from_epsg(32633),
            Window(0, 0, 256, 256),
        )
    ).coverage == pytest.approx(0.5)


def test_ground_that_is_in_a_folder_twice(tmp_path, told):
    whole = smooth(200, 20, 200, 'uint8', 3)
    write(tmp_path / 's/mosaic.tif', whole, photometric='RGB')
    for row in (0, 1):
        for column in (0, 1):
            part = whole[:, 100 * row :, 100 * column :][:, :100, :100]
            corner = Affine(10, 0, 5e5 + 1000 * column, 0, -10, 5e6 - 1000 * row)
            name = f's/tiles/{row}_{column}.tif'
            write(tmp_path / name, part, transform=corner, photometric='RGB')
    SceneDataset(tmp_path / 's', 64, stretch=None)
    (line,) = (line for line in told if 'twice' in line)
    assert line.startswith('100% of the ground is there twice, in 5 files')
    options = Options('cmid', True, window=64)
    assert line in str(prepare(tmp_path / 's', tmp_path / 'out', options, workers=0))
    (tmp_path / 's/mosaic.tif').unlink()  # The remedy.
    told.clear()
    SceneDataset(tmp_path / 's', 64, stretch=None)
    assert not [line for line in told if 'twice' in line]


def test_06_what_is_stored_in_another_way_is_told(tmp_path, told):
    write_palette(tmp_path / 's/p.tif', smooth(100, 1, 255, 'uint8'))
    infrared = smooth(100, 2, 200, 'uint8', 4)
    write(tmp_path / 's/i.tif', infrared, 1, photometric='RGB', alpha='YES')
    bits = (smooth(100, 0, 2, 'float32', 3) > 1).astype(np.uint8)
    write(tmp_path / 's/b.tif', bits, 2, nbits=1)
    data = SceneDataset(tmp_path / 's', 64, bands=[1, 2, 3], stretch=None)
    lines = '\n'.join(told)
    assert '1 file holds palette indices: p.tif' in lines
    assert 'Band 4 of 1 file is declared as alpha but holds as many values' in lines
    assert '1 file has 1 bit per pixel, 0 and 1: b.tif' in lines
    scenes = {scene.path: scene for scene in data.images.scenes}
    assert scenes['i.tif'].data_bands == (1, 2, 3, 4)
    assert scenes['i.tif'].mask == 'none'
    prepared = str(
        prepare(
            tmp_path / 's',
            tmp_path / 'out',
            Options('cmid', True, window=64),
            workers=0,
        )
    )
    assert '1 file holds palette indices: p.tif' in prepared
    assert 'Band 4 of 1 file is declared as alpha' in prepared
    # The remedy that it names.
    with rasterio.open(tmp_path / 's/i.tif', 'r+') as file:
        file.colorinterp = [*file.colorinterp[:3], ColorInterp.undefined]
    told.clear()
    SceneDataset(tmp_path / 's', 64, bands=[1, 2, 3], stretch=None)
    assert 'Band 4' not in '\n'.join(told)


@pytest.mark.filterwarnings('ignore::rasterio.errors.NotGeoreferencedWarning')
@pytest.mark.parametrize('lacking', ['crs', 'transform'])
def test_remedies_of_scenes_without_a_place_lead_to_a_run(tmp_path, lacking):
    file = write(
        tmp_path / 'scenes/a.tif', smooth(100, 20, 200, 'uint8', 3), **{lacking: None}
    )
    write(tmp_path / 'map/lc.tif', np.full((1, 100, 100), 10, np.uint8))
    skipped = label(tmp_path, tmp_path / '1')['skipped']['without georeference']
    remedy = dict(crs='gdal_edit.py -a_srs EPSG:', transform='gdal_edit.py -a_ullr ')
    assert remedy[lacking] in skipped[0][2]
    with rasterio.open(file, 'r+') as scene:  # What these commands do.
        scene.crs = 'EPSG:32633'
        scene.transform = Affine(10, 0, 5e5, 0, -10, 5e6)
    assert label(tmp_path, tmp_path / '2')['labeled'] == 1
    land_cover = dict(rasters=str(tmp_path / 'map'), class_map='worldcover')
    assert SceneDataset(tmp_path / 'scenes', 64, land_cover=land_cover)[0]


def test_remedies_of_types_lead_to_a_run(tmp_path):
    cover = np.full((1, 100, 100), 10, np.float32)
    write(tmp_path / 'map/lc.tif', cover)
    write(tmp_path / 'scenes/a.tif', smooth(100, 20, 200, 'uint8', 3) + 1j)
    with pytest.raises(ValueError, match='gdal_translate -ot Byte'):
        label(tmp_path, tmp_path / '1')
    write(tmp_path / 'map/lc.tif', cover.astype(np.uint8))
    with pytest.raises(ValueError, match=r'real numbers.*gdal_translate -ot'):
        SceneDataset(tmp_path / 'scenes', 64)
    write(tmp_path / 'scenes/a.tif', smooth(100, 20, 200, 'float32', 3))
    assert SceneDataset(tmp_path / 'scenes', 64)[0]
    assert label(tmp_path, tmp_path / '2')['labeled'] == 1
