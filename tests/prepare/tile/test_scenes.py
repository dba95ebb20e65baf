import json
import os
import runpy
import signal
import sys
from pathlib import Path

import cloudpickle
import numpy as np
import pytest
import rasterio
import scenes
from rasterio.enums import ColorInterp

from rsp.prepare.tile.scene import TileSettings, _write, cut_scene
from rsp.prepare.tile.scenes import LOG, describe, tile_scenes

RAW = TileSettings(crop_size=64, stride=50, percentiles=None, keep_all=True)


def run(source, out, settings=RAW, **arguments):
    return tile_scenes(source, out, settings, **(dict(workers=0) | arguments))


def tiles_below(folder):
    return sorted(folder.rglob('*.tif'))


@pytest.fixture(autouse=True)
def _sent_by_value():
    """Send what is defined here by value: workers cannot import the tests."""
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    return scenes.make(tmp_path_factory.mktemp('made'))


def test_a_scene_of_1000_pixels_gives_25_tiles(tmp_path):
    grid = scenes.utm_grid(1000, 1000)
    scenes.sentinel2(tmp_path / 'in' / 'a.tif', grid, bands=1)
    summary = run(
        tmp_path / 'in', tmp_path / 'out', TileSettings(percentiles=None, keep_all=True)
    )
    assert summary['tiles'] == 25
    starts = {0, 200, 400, 600, 744}
    assert {tile.name for tile in tiles_below(tmp_path / 'out')} == {
        f'a_{x}_{y}.tif' for x in starts for y in starts
    }
    with rasterio.open(tmp_path / 'out' / 'a_744_200.tif') as tile:
        assert tile.shape == (256, 256)
        # The official cropper says 800.
        assert tile.transform.c == grid.transform.c + 744 * 10
        assert tile.transform.f == grid.transform.f - 200 * 10


@pytest.mark.parametrize('stretch', [False, True])
def test_every_pixel_lies_where_it_was(made, tmp_path, stretch):
    settings = TileSettings(64, 50, (1, 99) if stretch else None, keep_all=True)
    run(made.scenes, tmp_path, settings)
    files = sorted(made.scenes.rglob('*.tif'))
    assert len(files) == 6
    for file in files:
        with rasterio.open(file) as scene:
            pixels, inverse, crs = scene.read(), ~scene.transform, scene.crs
        covered = np.zeros(pixels.shape[1:], bool)
        folder = tmp_path / file.parent.relative_to(made.scenes)
        for path in folder.glob(f'{file.stem}_*.tif'):
            with rasterio.open(path) as tile:
                assert tile.crs == crs
                # Where a pixel's center lies on the ground decides which one it is.
                columns, rows = np.meshgrid(np.arange(64) + 0.5, np.arange(64) + 0.5)
                columns, rows = inverse @ tile.transform @ (columns, rows)
                assert np.abs(columns % 1 - 0.5).max() < 1e-4
                columns, rows = columns.astype(int), rows.astype(int)
                source = pixels[:, rows, columns]
                written = tile.read()
            assert path.stem == f'{file.stem}_{columns[0, 0]}_{rows[0, 0]}'
            if not stretch:
                np.testing.assert_array_equal(written, source)
            else:
                # One rising line for all bands.
                order = np.argsort(source.ravel(), kind='stable')
                assert np.diff(written.ravel()[order].astype(int)).min() >= 0
            covered[rows, columns] = True
        assert covered.all()


def test_the_stretch_is_joint_over_bands(tmp_path):
    grid = scenes.utm_grid(64, 64)
    ramp = np.linspace(100, 300, 64 * 64).reshape(1, 64, 64)
    scenes.write(
        tmp_path / 'in' / 'a.tif', np.concatenate([ramp, ramp]).astype('uint16'), grid
    )
    run(tmp_path / 'in', tmp_path / 'out', TileSettings(64, 64, (0, 100), True))
    with rasterio.open(tmp_path / 'out' / 'a_0_0.tif') as tile:
        written = tile.read()
    source = ramp[0].astype('uint16').astype(int)
    np.testing.assert_array_equal(written[0], (source - 100) * 255 // 200)
    np.testing.assert_array_equal(written[0], written[1])


def test_rejected_tiles_are_counted_by_reason(tmp_path):
    grid = scenes.utm_grid(256, 64)
    rng = np.random.default_rng(0)
    # Four tiles: as it should be, flat, white, black.
    pixels = rng.integers(1, 250, (3, 64, 256)).astype(np.uint8)
    pixels[:, :, 64:128] = 100
    pixels[:, :, 128:192] = rng.choice([100, 249], (64, 64), p=[0.4, 0.6])
    pixels[:, :, 192:] = rng.integers(1, 5, (3, 64, 64))
    scenes.write(tmp_path / 'in' / 'a.tif', pixels, grid)
    settings = TileSettings(64, 64, (0, 100))
    summary = run(tmp_path / 'in', tmp_path / 'out', settings)
    assert [tile.name for tile in tiles_below(tmp_path / 'out')] == ['a_0_0.tif']
    assert sum(summary['rejected'].values()) == 3
    assert len(summary['rejected']) == 3
    assert summary['tiles'] == 1


@pytest.mark.parametrize('settings', [RAW, TileSettings(64, 50, keep_all=True)])
def test_tiles_are_valid_cogs_that_know_where_data_is(made, tmp_path, settings):
    run(made.scenes / 's2', tmp_path, settings)
    with rasterio.open(made.scenes / 's2' / 'wedge.tif') as scene:
        expected = scene.dataset_mask()
    for path in tiles_below(tmp_path):
        with rasterio.open(path) as tile:
            assert tile.tags(ns='IMAGE_STRUCTURE')['LAYOUT'] == 'COG'
            assert tile.compression.value == 'DEFLATE'
            assert tile.count == 4
            # Near infrared is not transparency.
            assert ColorInterp.alpha not in tile.colorinterp
            _, x, y = path.stem.rsplit('_', 2)
            known = expected[int(y) :, int(x) :][:64, :64]
            if path.stem.startswith('wedge'):
                np.testing.assert_array_equal(tile.dataset_mask(), known)
            else:
                assert tile.dataset_mask().all()


def test_a_second_call_goes_on_where_the_first_was_interrupted(
    made, tmp_path, monkeypatch
):
    written = []

    def interrupted(file, *arguments):
        if len(written) == 40:
            raise KeyboardInterrupt
        written.append(file)
        _write(file, *arguments)

    monkeypatch.setattr('rsp.prepare.tile.scene._write', interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(made.scenes, tmp_path / 'out')
    done = len((tmp_path / 'out' / LOG).read_text().splitlines()) - 1
    assert 0 < done < 6
    again = []
    monkeypatch.setattr(
        'rsp.prepare.tile.scene._write',
        lambda file, *a: (again.append(file), _write(file, *a)),
    )
    summary = run(made.scenes, tmp_path / 'out')
    monkeypatch.undo()
    expected = run(made.scenes, tmp_path / 'whole')
    assert summary == expected
    assert len(again) < summary['tiles'] == len(tiles_below(tmp_path / 'out'))
    assert not list((tmp_path / 'out').rglob('*unfinished*'))
    for tile in tiles_below(tmp_path / 'out'):
        other = tmp_path / 'whole' / tile.relative_to(tmp_path / 'out')
        assert tile.read_bytes() == other.read_bytes()


def cut_or_die(job):
    """`cut_scene` whose process is killed at its first scene of aerial/."""
    mark = Path(job['out'], 'killed')
    if 'aerial' in job['key'] and not mark.exists():
        mark.touch()
        cut_scene(job)
        os.kill(os.getpid(), signal.SIGKILL)
    return cut_scene(job)


@pytest.mark.dist
@pytest.mark.slow  # Two processes that import all of rsp; the walk is test_cluster's.
def test_a_killed_worker_loses_nothing_and_doubles_nothing(made, tmp_path, monkeypatch):
    monkeypatch.setattr('rsp.prepare.tile.scenes.cut_scene', cut_or_die)
    summary = run(made.scenes, tmp_path / 'out', workers=2)
    assert (tmp_path / 'out' / 'killed').exists()
    monkeypatch.undo()
    assert summary == run(made.scenes, tmp_path / 'whole')
    lines = (tmp_path / 'out' / LOG).read_text().splitlines()[1:]
    keys = [json.loads(line)['key'] for line in lines]
    assert len(keys) == len(set(keys)) == 6
    assert len(tiles_below(tmp_path / 'out')) == summary['tiles']


def test_bad_files_are_skipped_by_name(made, tmp_path):
    scenes.sentinel2(tmp_path / 'in' / 'good.tif', scenes.utm_grid(100, 90))
    scenes.sentinel2(tmp_path / 'in' / 'small.tif', scenes.utm_grid(63, 200))
    (tmp_path / 'in' / 'noise.tif').write_bytes(b'no raster')
    empty = scenes.utm_grid(80, 80)
    scenes.write(tmp_path / 'in' / 'void.tif', np.zeros((1, 80, 80), 'u1'), empty)
    for file in made.bad.iterdir():
        (tmp_path / 'in' / file.name).symlink_to(file)
    summary = run(tmp_path / 'in', tmp_path / 'out')
    assert {tile.stem[:4] for tile in tiles_below(tmp_path / 'out')} == {'good'}
    assert "skipped 'void.tif'" in describe(summary)
    reasons = summary['skipped']
    assert 'at least 64 x 64' in reasons.pop('small.tif')
    assert 'reference system' in reasons.pop('no_crs.tif')
    assert 'raster that GDAL can read' in reasons.pop('noise.tif')
    assert 'truncated.tif' in reasons.pop('truncated.tif')
    assert 'void.tif' in reasons.pop('void.tif')
    assert not reasons


def test_a_folder_of_something_else_is_left_alone(made, tmp_path):
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / 'tile_0_0_0.tif').write_text('precious')
    with pytest.raises(ValueError, match='expected an empty folder'):
        run(made.scenes, tmp_path / 'out')
    assert (tmp_path / 'out' / 'tile_0_0_0.tif').read_text() == 'precious'


def test_a_band_without_data_is_0_in_tiles_or_stays_no_data(write_scene, tmp_path):
    pixels = np.tile(np.arange(1, 65, dtype=np.int16), (3, 64, 1))
    pixels[2, :, 20:] = 32_000
    write_scene('in/a.tif', pixels=pixels, nodata=32_000)
    run(tmp_path / 'in', tmp_path / 'out', TileSettings(64, 64, (0, 100)))
    with rasterio.open(tmp_path / 'out/a_0_0.tif') as tile:
        red, _, blue = tile.read()
    assert (red[:, 63] == 255).all()
    assert not blue[:, 20:].any()
    run(tmp_path / 'in', tmp_path / 'raw', RAW)
    with rasterio.open(tmp_path / 'raw/a_0_0.tif') as tile:
        assert tile.nodata == 32_000


def test_tiles_below_the_scenes_are_not_cut_again(tmp_path):
    scenes.sentinel2(tmp_path / 'a.tif', scenes.utm_grid(100, 100), bands=1)
    first = run(tmp_path, tmp_path / 'tiles')
    assert run(tmp_path, tmp_path / 'tiles') == first
    assert len(tiles_below(tmp_path / 'tiles')) == first['tiles'] == 4


def test_other_settings_and_changed_scenes_are_refused(tmp_path):
    scene = tmp_path / 'in' / 'a.tif'
    scenes.sentinel2(scene, scenes.utm_grid(80, 80))
    run(tmp_path / 'in', tmp_path / 'out')
    with pytest.raises(ValueError, match='settings'):
        run(tmp_path / 'in', tmp_path / 'out', TileSettings(32, 32))
    scenes.sentinel2(scene, scenes.utm_grid(90, 90))
    with pytest.raises(ValueError, match=r"a\.tif' is not the file whose tiles"):
        run(tmp_path / 'in', tmp_path / 'out')


def test_scenes_whose_tiles_would_share_names(tmp_path):
    for name in ('a.tif', 'a.TIFF'):
        scenes.sentinel2(tmp_path / name, scenes.utm_grid(64, 64))
    with pytest.raises(ValueError, match=r'a\.TIFF.*a\.tif.*rename one'):
        run(tmp_path, tmp_path / 'out')


TOOL = Path(__file__).parents[3] / 'tools' / 'dataset_tools' / 'tile_scenes.py'


def cut(monkeypatch, *arguments):
    monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, arguments)])
    runpy.run_path(str(TOOL), run_name='__main__')


def test_the_command_cuts_and_writes_a_summary(made, tmp_path, monkeypatch, capsys):
    size = ('--crop-size', 100, '--stride', 90, '--workers', 0)
    cut(monkeypatch, made.scenes, tmp_path, *size)
    summary = json.loads((tmp_path / 'summary.json').read_text())
    # The dark tiles are those of the wedge without data.
    assert set(summary['rejected']) == {'dark'}
    assert len(tiles_below(tmp_path)) == summary['tiles'] > 20
    assert f'{summary["tiles"]} tiles of 6 scenes' in capsys.readouterr().out
    # Again: nothing is done, the same is told.
    cut(monkeypatch, made.scenes, tmp_path, *size)
    assert json.loads((tmp_path / 'summary.json').read_text()) == summary


@pytest.mark.parametrize(
    ('source', 'message'),
    [('empty', 'expected scenes in'), ('nowhere', 'there is none')],
)
def test_the_command_says_in_one_line_what_is_missing(
    tmp_path, monkeypatch, source, message
):
    (tmp_path / 'empty').mkdir()
    with pytest.raises(SystemExit, match=f'error: .*{message}'):
        cut(monkeypatch, tmp_path / source, tmp_path / 'out')


@pytest.mark.parametrize('change', [dict(crop_size=0), dict(percentiles=(99, 1))])
def test_impossible_settings_are_refused(change):
    with pytest.raises(ValueError, match='expected'):
        TileSettings(**(dict(crop_size=64, stride=50) | change))


def test_no_tile_at_all_is_an_error(made, tmp_path):
    with pytest.raises(ValueError, match='got no tile'):
        run(made.bad, tmp_path / 'out')
