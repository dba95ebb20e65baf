"""Labeling scenes from the command line, with all that can be wrong with them."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

psutil = pytest.importorskip('psutil', reason="needs the 'geo' extra")
rasterio = pytest.importorskip('rasterio', reason="needs the 'geo' extra")

from affine import Affine  # noqa: E402

from rsp.datasets import LandCoverImages  # noqa: E402
from rsp.geo.land_cover.label_file import read_labels  # noqa: E402
from rsp.ops.fractions import class_fractions  # noqa: E402
from rsp.prepare.label.folder import label_folder  # noqa: E402
from rsp.prepare.label.job import LabelJob  # noqa: E402

TOOL = Path(__file__).parents[2] / 'tools/dataset_tools/make_land_cover_labels.py'
WEST, NORTH = 480_000, 5_100_000
UTM33 = 'EPSG:32633'
CLASS_MAP = ('--class-map', 'globeland30')
rng = np.random.default_rng(0)


def write(path, pixels, west, north, pixel=10, crs=UTM33, turn=0, **options):
    """Write (C, H, W) whose corner is (west, north) meters from the land cover's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    transform = Affine.translation(WEST + west, NORTH + north) @ Affine.rotation(turn)
    with rasterio.open(
        path, 'w', driver='GTiff', count=len(pixels), height=pixels.shape[1],
        width=pixels.shape[2], dtype=pixels.dtype, crs=crs,
        transform=transform @ Affine.scale(pixel, -pixel), **options,
    ) as data:  # fmt: skip
        data.write(pixels)
    return path


def scene(path, west, north, size=64, **options):
    """A scene of ``size`` pixels of 10 m."""
    return write(path, np.full((3, size, size), 9, 'u1'), west, north, **options)


@pytest.fixture
def cover(tmp_path):
    """A map of 100 x 100 cells of 30 m: forest, a quarter water, a strip of sea."""
    codes = np.full((1, 100, 100), 20, np.uint8)
    codes[:, :50, 50:] = 60
    codes[:, 80:] = 255
    codes[:, 75:80, :30] = 33
    codes[:, 75:80, 70:] = 0
    return write(tmp_path / 'cover/n33_45_2020lc030.tif', codes, 0, 0, pixel=30)


@pytest.fixture
def label(script):
    """Run the tool in this process."""

    def label(*arguments):
        script(f'dataset_tools/{TOOL.name}', *arguments, '--workers', '0')

    return label


def test_one_label_per_file_and_a_reason_for_every_other(
    tmp_path, cover, label, capsys
):
    scenes = tmp_path / 'scenes'
    scene(scenes / 'a/forest_20200601.tif', 30, -30)
    scene(scenes / 'a/water.tif', 2100, -300)
    scene(scenes / 'half.tif', 1180, -300)
    scene(scenes / 'turned.tif', 400, -900, turn=30)
    scene(scenes / 'border.tif', -320, -300)
    scene(scenes / 'sea.tif', 100, -2430, size=50)
    scene(scenes / 'far.tif', 90_000, 0)
    scene(scenes / 'unknown.tif', 30, -2250, size=15)
    scene(scenes / 'blank.tif', 2130, -2250, size=15)
    scene(scenes / 'lost.tif', 0, 0, crs=None)
    scene(scenes / 'site.tif', 0, 0, crs='LOCAL_CS["site grid",UNIT["metre",1]]')
    (scenes / 'broken.tif').write_bytes(b'II*\0 and no more')
    out = tmp_path / 'out'
    label(scenes, cover, out, '--class-map', 'globeland30', '--low-coverage', '0.9')
    text = capsys.readouterr().out

    labels = read_labels(out)
    assert [*labels.images] == [
        'a/forest_20200601.tif', 'a/water.tif', 'border.tif', 'half.tif', 'turned.tif'
    ]  # fmt: skip
    assert labels.header['class_map'] == 'globeland30'
    assert labels.header['rasters'] == [str(cover)]
    shares = class_fractions(labels.counts, ['Forest', 'Waterbodies'])
    half = (1500 - 1180) / 640
    expected = [[1, 0], [0, 1], [1, 0], [half, 1 - half], [1, 0]]
    np.testing.assert_allclose(shares, expected, atol=1e-5)
    np.testing.assert_allclose(labels.coverage, [1, 1, 0.5, 1, 1])
    first = json.loads((out / 'labels.jsonl').read_text().splitlines()[1])
    assert first['window'] == [0, 0, 64, 64]
    assert first['counts']['Forest'] == pytest.approx((640 / 30) ** 2)
    assert (first['crs'], first['pixel_size'], first['date']) == (
        UTM33, [10, 10], '2020-06-01'
    )  # fmt: skip

    report = json.loads((out / 'report.json').read_text())
    reasons = {name: [f[0] for f in found] for name, found in report['skipped'].items()}
    assert reasons == {
        'no match': ['far.tif'], 'all sea': ['sea.tif'], 'no data': ['blank.tif'],
        'unknown codes only': ['unknown.tif'], 'without georeference': ['lost.tif'],
        'unreadable': ['broken.tif'], 'failed': ['site.tif'],
    }  # fmt: skip
    assert report['skipped']['no match'][0][2] == 'needs the tile n33_45'
    assert [entry[0] for entry in report['low_coverage']] == ['border.tif']
    assert report['unknown_codes'] == {'33': pytest.approx(25)}
    assert report['labeled'] == 5
    assert sum(report['shares'].values()) == pytest.approx(1, abs=1e-5)
    page = (out / 'report.md').read_text()
    assert '- without a label, sea only: 1' in page
    assert '![Footprints of the scenes over the land cover](map.png)' in page
    assert (out / 'map.png').read_bytes()[:4] == b'\x89PNG'
    assert '5 windows labeled by globeland30.' in text
    assert 'codes that the class map does not know, counted apart: 33 (25' in text


def test_windows_of_a_grid_in_the_official_order(tmp_path, cover, label):
    scene(tmp_path / 'scenes/a.tif', 0, 0, size=100)
    scene(tmp_path / 'scenes/small.tif', 0, 0, size=30)
    grid = ('--crop-size', '48', '--stride', '40')
    out = tmp_path / 'out'
    label(tmp_path / 'scenes', cover.parent, out, *grid, *CLASS_MAP, '--no-map')
    windows = read_labels(out).windows
    starts = [(top, left) for left in (0, 40, 52) for top in (0, 40, 52)]
    assert windows[:, :2].tolist() == [list(start) for start in starts]
    assert (windows[:, 2:] == 48).all()
    report = json.loads((out / 'report.json').read_text())
    assert report['skipped'] == {
        'smaller than the crop': [['small.tif', None, '30 x 30 pixels']]
    }
    assert not (out / 'map.png').exists()


def test_a_second_run_adds_new_scenes_and_refuses_other_settings(
    tmp_path, cover, label
):
    scene(tmp_path / 'scenes/a.tif', 30, -30)
    arguments = (tmp_path / 'scenes', cover, tmp_path / 'out', '--no-map')

    label(*arguments, *CLASS_MAP)
    before = (tmp_path / 'out/labels.jsonl').read_text()
    scene(tmp_path / 'scenes/b.tif', 2100, -300)
    label(*arguments, *CLASS_MAP)
    assert [*read_labels(tmp_path / 'out').images] == ['a.tif', 'b.tif']
    assert (tmp_path / 'out/labels.jsonl').read_text().startswith(before)
    with pytest.raises(SystemExit, match='error: expected the settings that'):
        label(*arguments, *CLASS_MAP, '--crop-size', '32')


def test_a_mended_class_map_does_not_leave_the_labels_of_the_old_one(
    tmp_path, cover, label
):
    scene(tmp_path / 'scenes/a.tif', 30, -30)
    class_map = tmp_path / 'class_map.json'
    arguments = (tmp_path / 'scenes', cover, tmp_path / 'out', '--class-map', class_map)
    class_map.write_text('{"20": "water"}')
    label(*arguments, '--no-map')
    class_map.write_text('{"20": "forest"}')
    with pytest.raises(
        SystemExit, match=r"begun with, {'class_map_content': '\w+'}, got"
    ):
        label(*arguments, '--no-map')
    (tmp_path / 'out/progress.jsonl').unlink()
    label(*arguments, '--no-map')
    counts = class_fractions(read_labels(tmp_path / 'out').counts, ['Forest'])
    assert counts == pytest.approx(1, abs=1e-5)


def test_the_class_map_of_an_official_file_need_not_be_named(tmp_path, label):
    codes = np.full((1, 100, 100), 20, np.uint8)
    write(tmp_path / 'cover/n33_45_2020lc030.tif', codes, 0, 0, pixel=30)
    scene(tmp_path / 'scenes/a.tif', 30, -30)
    label(tmp_path / 'scenes', tmp_path / 'cover', tmp_path / 'out')
    assert read_labels(tmp_path / 'out').header['class_map'] == 'globeland30'


def test_the_labels_are_what_the_data_set_reads(tmp_path, cover, label):
    for name, west in (('a', 1180), ('b', 2100)):
        scene(tmp_path / f'scenes/{name}.tif', west, -300, compress='zstd')
    label(tmp_path / 'scenes', cover, tmp_path / 'out', *CLASS_MAP, '--no-map')
    dataset = LandCoverImages(
        str(tmp_path / 'out'),
        str(tmp_path / 'scenes'),
        classes=['Forest', 'Waterbodies'],
        pipeline=[dict(type='rsp.LoadGeoTiff'), dict(type='mmpretrain.PackInputs')],
    )
    scores = [dataset[i]['data_samples'].gt_score.tolist() for i in range(2)]
    assert scores[0] == pytest.approx([0.5, 0.5], abs=1e-5)
    assert scores[1] == pytest.approx([0, 1], abs=1e-5)
    assert dataset[0]['inputs'].shape == (3, 64, 64)


def test_damaged_land_cover_is_reported_by_window(tmp_path, cover, label):
    codes = rng.integers(10, 90, (1, 100, 100), dtype=np.uint8)
    east = write(tmp_path / 'cover/east.tif', codes, 3000, 0, pixel=30)
    east.write_bytes(east.read_bytes()[:-4000])
    scene(tmp_path / 'scenes/good.tif', 30, -30)
    scene(tmp_path / 'scenes/damaged.tif', 4000, -2000)
    label(tmp_path / 'scenes', cover.parent, tmp_path / 'out', *CLASS_MAP)
    assert [*read_labels(tmp_path / 'out').images] == ['good.tif']
    report = json.loads((tmp_path / 'out/report.json').read_text())
    ((name, window, message),) = report['skipped']['failed']
    assert (name, window) == ('damaged.tif', [0, 0, 64, 64])
    assert 'cannot read the pixels of' in message
    assert 'east.tif' in message


def test_scenes_and_land_cover_may_share_a_folder(tmp_path, cover, label):
    scene(cover.parent / 'a.tif', 30, -30)
    label(cover.parent, cover, cover.parent / 'out', '--class-map', 'globeland30')
    label(cover.parent, cover, cover.parent / 'out', '--class-map', 'globeland30')
    assert [*read_labels(cover.parent / 'out').images] == ['a.tif']


@pytest.mark.parametrize(
    ('options', 'got'),
    [
        (('--crop-size', 0), '0 and None'),
        (('--crop-size', 32, '--stride', 0), '32 and 0'),
        (('--stride', 20), 'None and 20'),
    ],
)
def test_windows_that_make_no_sense_are_refused(tmp_path, cover, label, options, got):
    scene(tmp_path / 'scenes/a.tif', 30, -30)
    with pytest.raises(SystemExit, match=f'--stride.*, got {got};'):
        label(tmp_path / 'scenes', cover, tmp_path / 'out', *CLASS_MAP, *options)


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        (dict(scenes='nowhere'), "georeferenced images at '.*nowhere', found none"),
        (dict(cover='nowhere'), "folder of them at '.*nowhere', found none"),
        (
            dict(class_map='nlcdd'),
            'expected a class map out of globeland30, worldcover',
        ),
        (dict(far=True), 'found none under any window'),
    ],
)
def test_bad_input_ends_in_one_line(tmp_path, cover, label, change, words):
    scene(tmp_path / 'scenes/a.tif', 90_000 if 'far' in change else 0, 0)
    with pytest.raises(SystemExit, match=f'^error: .*{words}'):
        label(
            tmp_path / change.get('scenes', 'scenes'),
            tmp_path / change.get('cover', 'cover'), tmp_path / 'out',
            '--class-map', change.get('class_map', 'globeland30'),
        )  # fmt: skip


# Workers import torch before they begin.
@pytest.mark.slow
@pytest.mark.dist
def test_with_a_killed_worker_the_file_is_that_of_an_undisturbed_run(tmp_path, cover):
    scenes = tmp_path / 'scenes'
    for number in range(6):
        scene(scenes / f'{number}.tif', 100 * number, -40 * number, size=160)
    out = tmp_path / 'out'
    arguments = [scenes, cover, out, '--crop-size', '8', '--class-map', 'globeland30']
    arguments += ['--no-map', '--workers', '2']
    with subprocess.Popen(
        [sys.executable, str(TOOL), *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as tool:  # fmt: skip
        log = out / 'progress.jsonl'
        deadline = time.monotonic() + 120
        while not log.exists() or log.read_text().count('\n') < 2:
            assert time.monotonic() < deadline
            assert tool.poll() is None, 'ended too early'
            time.sleep(0.02)
        workers = [
            child
            for child in psutil.Process(tool.pid).children(recursive=True)
            if any('spawn_main' in word for word in child.cmdline())
        ]
        assert len(workers) == 2
        workers[0].kill()
        said = tool.stdout.read()
    assert tool.returncode == 0, said
    lines = [json.loads(line) for line in log.read_text().splitlines()[1:]]
    assert len({line['key'] for line in lines}) == len(lines) == 6

    job = LabelJob(str(scenes), [str(cover)], 'globeland30', 8, None, 0.5)
    label_folder(job, tmp_path / 'calm', workers=0)
    calm = (tmp_path / 'calm/labels.jsonl').read_text()
    assert calm.count('\n') == 1 + 6 * 20 * 20
    assert (out / 'labels.jsonl').read_text() == calm
