"""The scan, the report and tiles of real files."""

import numpy as np
import pytest
import rasterio
from affine import Affine

from rsp.prepare.report.render import render_report
from rsp.prepare.scan.folder import scan_folder
from rsp.prepare.tile.scene import TileSettings
from rsp.prepare.tile.scenes import tile_scenes

pytestmark = pytest.mark.shared


@pytest.fixture
def geotiff(unpack):
    return unpack('open/geotiff.tar')


def test_all_files_of_the_pack_are_described(geotiff, tmp_path):
    scan = scan_folder(geotiff, tmp_path / 'out', workers=0)
    # Seven files of Landsat 8 are the bands of one scene.
    assert (len(scan.files), scan.unreadable) == (21, {})
    assert len(scan.parts['l8_elkton_overlap/L8-Elkton-VA']) == 7
    maps = {f.path.split('/')[-1] for f in scan.files if f.is_map}
    assert {'lulc.tif', 'usda_cdl_2021_kansas.tif', 'zion_nlcd2011.tif'} < maps
    assert not maps & {'zion_srtm.tif', 'L7_ETMs.tif', 'S2_rgb_scene4.tif'}
    assert all(file.outline for file in scan.files)
    by_name = {file.path.split('/')[-1]: file for file in scan.files}
    assert by_name['m_4709963_se_14_1_20140720.tif'].date == '2014-07-20'
    # The edges of the Bahamas scene are 0, and declared so.
    assert 0.2 < by_name['RGB.byte.tif'].nodata_share < 0.5
    statistics = scan.stored['13 bands of uint16']
    pixels = [
        rasterio.open(geotiff / file.path).read().reshape(13, -1).astype(float)
        for file in scan.with_format('13 bands of uint16')
    ]
    together = np.concatenate(pixels, axis=1)
    assert [b.mean for b in statistics] == pytest.approx(together.mean(axis=1))
    assert [b.std for b in statistics] == pytest.approx(together.std(axis=1))
    assert len(render_report(scan)) < 2e6


def test_eurosat_has_no_copies(unpack, tmp_path):
    folder = unpack('open/eurosat_subset.tar') / 'val'
    scan = scan_folder(folder, tmp_path / 'out', workers=0)
    assert (len(scan.files), scan.copies) == (800, [])


@pytest.mark.parametrize('name', ['scenes', 's2_slovenia_overlap'])
def test_tiles_of_real_scenes_lie_where_their_pixels_were(geotiff, tmp_path, name):
    settings = TileSettings(64, 50, percentiles=None, keep_all=True)
    summary = tile_scenes(geotiff / name, tmp_path / 'out', settings, workers=0)
    assert summary['skipped'] == {}
    tiles = sorted((tmp_path / 'out').rglob('*.tif'))
    assert len(tiles) == summary['tiles'] >= 20
    for path in tiles[::7]:
        stem, x, y = path.stem.rsplit('_', 2)
        with (
            rasterio.open(next((geotiff / name).glob(f'{stem}.tif'))) as scene,
            rasterio.open(path) as tile,
        ):
            window = rasterio.windows.Window(int(x), int(y), 64, 64)
            bands = [*range(1, tile.count + 1)]
            np.testing.assert_array_equal(tile.read(), scene.read(bands, window=window))
            assert tile.crs == scene.crs
            expected = scene.transform @ Affine.translation(int(x), int(y))
            assert tile.transform.almost_equals(expected, 1e-9)
