import json
import shutil

import cv2
import numpy as np
import pytest
import rasterio
import scenes

from rsp.datasets import SceneDataset
from rsp.geo.bands.names import name_bands
from rsp.prepare.report.warnings import find_warnings
from rsp.prepare.scan.bands import display_bands
from rsp.prepare.scan.file_info import scan_files
from rsp.prepare.scan.folder import LOG, scan_folder


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    made = scenes.make(tmp_path_factory.mktemp('made'))
    for file in made.bad.iterdir():
        shutil.copy(file, made.scenes / file.name)
    return made


@pytest.fixture(scope='module')
def scan(made, tmp_path_factory):
    return scan_folder(made.scenes, tmp_path_factory.mktemp('out'), workers=0)


def write_photo(file, seed):
    coarse = np.random.default_rng(seed).integers(256, size=(9, 11, 3), dtype=np.uint8)
    pixels = cv2.resize(coarse, (96, 80), interpolation=cv2.INTER_CUBIC)
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), pixels)
    return pixels


def test_every_file_is_found_or_told(made, scan):
    paths = {file.path for file in scan.files} | set(scan.unreadable)
    assert paths == {
        file.relative_to(made.scenes).as_posix() for file in made.scenes.rglob('*.tif')
    }
    assert list(scan.unreadable) == ['truncated.tif']
    assert 'truncated' in scan.unreadable['truncated.tif']
    assert dict(scan.pixel_formats) == {'4 bands of uint16': 5, '3 bands of uint8': 2}
    by_name = {file.path.split('/')[-1]: file for file in scan.files}
    first = by_name['S2A_20200601_T33TWK.tif']
    assert (first.width, first.height, first.date) == (300, 260, '2020-06-01')
    assert (first.crs, first.pixel_size) == ('EPSG:32633', [10.0, 10.0])
    assert not first.striped
    assert by_name['S2B_20200811_T33TWK.tif'].striped
    assert by_name['no_crs.tif'].outline is None
    lon, lat = np.array(first.outline).T
    # 3 km east and 2.6 km south of 45 degrees north, 15 degrees east.
    assert lon.min() == pytest.approx(15, abs=1e-3)
    assert lat.max() == pytest.approx(45, abs=1e-3)
    assert np.ptp(lon) == pytest.approx(3 / 78.8, rel=0.02)


def test_statistics_are_those_of_all_valid_pixels_together(made, scan):
    pixels = []
    for file in scan.with_format('4 bands of uint16'):
        with rasterio.open(made.scenes / file.path) as dataset:
            values, valid = dataset.read(), dataset.dataset_mask() > 0
        assert file.nodata_share == pytest.approx(1 - valid.mean())
        pixels.append(values[:, valid])
    together = np.concatenate(pixels, axis=1).astype(float)
    for band, values in zip(scan.stored['4 bands of uint16'], together, strict=True):
        assert band.count == values.size
        assert band.mean == pytest.approx(values.mean())
        assert band.std == pytest.approx(values.std())
        np.testing.assert_allclose(
            band.percentiles([2, 50, 98]),
            np.percentile(values, [2, 50, 98], method='inverted_cdf'),
            rtol=2e-3,
        )


def test_8_bit_statistics_are_those_of_what_the_data_set_gives(made, tmp_path):
    folder = tmp_path / 'in'
    folder.mkdir()
    shutil.copy(made.scenes / 's2' / 'S2A_20200601_T33TWK.tif', folder / 'a.tif')
    scan = scan_folder(folder, tmp_path / 'out', display=[3, 2, 1], workers=0)
    windows = dict(type='rsp.GridWindowSampler', size=(260, 300))
    dataset = SceneDataset(str(folder), windows, bands=[3, 2, 1])
    image = dataset.get_data_info(0)['img'][..., ::-1].reshape(-1, 3).astype(float)
    statistics = scan.rgb['4 bands of uint16']
    np.testing.assert_allclose([b.mean for b in statistics], image.mean(axis=0))
    np.testing.assert_allclose([b.std for b in statistics], image.std(axis=0))


def test_copies_are_found_and_other_pictures_are_not(tmp_path):
    folder = tmp_path / 'in'
    for seed in range(12):
        pixels = write_photo(folder / f'{seed}.png', seed)
    cv2.imwrite(str(folder / 'again.jpg'), pixels, [cv2.IMWRITE_JPEG_QUALITY, 70])
    cv2.imwrite(str(folder / 'larger.png'), cv2.resize(pixels, (200, 160)))
    shutil.copy(folder / '3.png', folder / 'same.png')
    cv2.imwrite(str(folder / 'blank.png'), np.full((50, 50, 3), 9, np.uint8))
    cv2.imwrite(str(folder / 'blank2.png'), np.full((60, 50, 3), 80, np.uint8))
    scan = scan_folder(folder, tmp_path / 'out', workers=0)
    assert scan.copies == [
        ['11.png', 'again.jpg', 'larger.png'],
        ['3.png', 'same.png'],
    ]
    lines = ' '.join([*find_warnings(scan)])
    assert '3 files look like another one' in lines
    assert '2 files of a single color: blank.png, blank2.png' in lines


def test_scenes_of_neighboring_ground_are_no_copies(scan):
    assert scan.copies == []


def test_warnings_name_what_may_harm_a_training(scan):
    lines = [*find_warnings(scan)]
    for words in (
        '1 file cannot be read',
        'The files have 2 pixel formats',
        'without georeference (no reference system or transform): no_crs.tif',
        'do not say which bands are red, green and blue; 1, 2, 3 are taken',
        'This is enough for a trial',
    ):
        assert any(words in line for line in lines), words


def test_undeclared_borders_and_empty_files_are_told(tmp_path):
    grid = scenes.utm_grid(100, 80)
    pixels = scenes.reflectance(grid)
    pixels[:, :, :20] = 0
    scenes.write(tmp_path / 'in' / 'border.tif', pixels, grid)
    scenes.write(tmp_path / 'in' / 'void.tif', np.zeros_like(pixels), grid)
    scan = scan_folder(tmp_path / 'in', tmp_path / 'out', workers=0)
    border, void = scan.files
    assert border.nodata_share == pytest.approx(0.2)
    assert (void.nodata_share, void.hash) == (1, None)
    lines = ' '.join([*find_warnings(scan)])
    assert '1 file without any data: void.tif' in lines
    assert 'declared as no-data: border.tif' in lines


def test_scales_that_differ_are_told(write_scene, tmp_path):
    """As of Sentinel-2 since 2022: 0.0001 * stored - 0.1."""
    for name in ('old', 'new', 'newer'):
        file = write_scene(f'in/{name}.tif')
        if name != 'old':
            with rasterio.open(file, 'r+') as dataset:
                dataset.scales, dataset.offsets = [1e-4] * 3, [-0.1] * 3
    scan = scan_folder(tmp_path / 'in', tmp_path / 'out', workers=0)
    assert scan.files[0].scaling == [[1e-4, -0.1]]
    (line,) = (line for line in [*find_warnings(scan)] if 'scales and offsets' in line)
    assert '[1.0, 0.0] in 1 file' in line
    assert '[0.0001, -0.1] in 2 files' in line
    (tmp_path / 'in/old.tif').unlink()
    scan = scan_folder(tmp_path / 'in', tmp_path / 'out', workers=0)
    assert not any('scales and offsets' in line for line in [*find_warnings(scan)])


def test_a_log_of_another_version_is_scanned_anew(write_scene, tmp_path, monkeypatch):
    write_scene('in/a.tif')
    monkeypatch.setattr('rsp.prepare.scan.folder.VERSION', 1)
    scan_folder(tmp_path / 'in', tmp_path / 'out', workers=0)
    log = tmp_path / 'out' / LOG
    # That version did not note so much.
    log.write_text(log.read_text().replace('"scaling"', '"scaled"'))
    monkeypatch.undo()
    scan = scan_folder(tmp_path / 'in', tmp_path / 'out', workers=0)
    assert scan.files[0].scaling == [[1, 0]]


def test_only_compressed_rows_are_warned_of(write_scene, tmp_path):
    tiled = dict(tiled=True, blockxsize=64, blockysize=64)
    for name, layout in dict(raw={}, rows=dict(compress='lzw'), tiles=tiled).items():
        write_scene(f'in/{name}.tif', 90, 1100, **layout)
    scan = scan_folder(tmp_path / 'in', tmp_path / 'out', workers=0)
    assert [file.striped for file in scan.files] == [True, True, False]
    (line,) = (
        line for line in [*find_warnings(scan)] if 'in rows instead of tiles' in line
    )
    assert line.startswith('1 file compressed in rows')
    assert 'rows.tif' in line


def test_an_interrupted_scan_resumes(made, scan, tmp_path, monkeypatch):
    monkeypatch.setattr('rsp.prepare.scan.folder.MOST_FILES', 2)
    scanned = []

    def scan_three_times(job):
        if len(scanned) == 3:
            raise KeyboardInterrupt
        scanned.append(job)
        return scan_files(job)

    monkeypatch.setattr('rsp.prepare.scan.folder.scan_files', scan_three_times)
    with pytest.raises(KeyboardInterrupt):
        scan_folder(made.scenes, tmp_path, workers=0)
    assert len((tmp_path / LOG).read_text().splitlines()) == 1 + 3
    monkeypatch.setattr(
        'rsp.prepare.scan.folder.scan_files',
        lambda job: scanned.append(job) or scan_files(job),
    )
    again = scan_folder(made.scenes, tmp_path, workers=0)
    assert len(scanned) == 4
    assert again.files == scan.files
    assert again.unreadable == scan.unreadable
    for name, bands in scan.stored.items():
        assert [b.bins for b in again.stored[name]] == [b.bins for b in bands]


def test_a_changed_file_is_scanned_again(tmp_path):
    write_photo(tmp_path / 'in' / 'a.png', 0)
    before = scan_folder(tmp_path / 'in', tmp_path / 'out', workers=0)
    cv2.imwrite(str(tmp_path / 'in' / 'a.png'), np.zeros((5, 4, 3), np.uint8))
    after = scan_folder(tmp_path / 'in', tmp_path / 'out', workers=0)
    assert (before.files[0].width, after.files[0].width) == (96, 4)


def test_a_log_of_another_folder_is_refused(made, tmp_path):
    write_photo(tmp_path / 'in' / 'a.png', 0)
    scan_folder(tmp_path / 'in', tmp_path / 'out', workers=0)
    with pytest.raises(ValueError, match='begun with'):
        scan_folder(made.scenes, tmp_path / 'out', workers=0)


def test_results_inside_the_folder_are_not_its_images(tmp_path):
    write_photo(tmp_path / 'a.png', 0)
    write_photo(tmp_path / 'out' / 'b.png', 1)
    scan = scan_folder(tmp_path, tmp_path / 'out', workers=0)
    assert [file.path for file in scan.files] == ['a.png']


@pytest.mark.parametrize(
    ('content', 'message'),
    [(None, 'expected scenes in'), (b'broken', 'cannot be read')],
)
def test_a_folder_without_images(tmp_path, content, message):
    (tmp_path / 'in').mkdir()
    if content:
        (tmp_path / 'in' / 'a.tif').write_bytes(content)
    with pytest.raises(ValueError, match=message):
        scan_folder(tmp_path / 'in', tmp_path / 'out', workers=0)


def test_alpha_is_no_band(tmp_path):
    pixels = write_photo(tmp_path / 'in' / 'rgb.png', 0)
    alpha = np.full(pixels.shape[:2], 255, np.uint8)
    alpha[:, :24] = 0
    cv2.imwrite(str(tmp_path / 'in' / 'rgba.png'), np.dstack([pixels, alpha]))
    scan = scan_folder(tmp_path / 'in', tmp_path / 'out', workers=0)
    assert dict(scan.pixel_formats) == {'3 bands of uint8': 2}
    assert scan.files[1].nodata_share == 0.25
    assert json.dumps(scan.to_json())


@pytest.mark.parametrize(
    ('meanings', 'descriptions', 'expected'),
    [
        (['blue', 'green', 'red', 'undefined'], [None] * 4, ([3, 2, 1], True)),
        (['gray'] * 4, ['B02', 'B03', 'B04', 'B08'], ([3, 2, 1], True)),
        (['gray'] * 3, ['Red', ' green', 'BLUE'], ([1, 2, 3], True)),
        (['gray'] * 13, [None] * 13, ([4, 3, 2], False)),
        (['gray'] * 5, ['a', None, None, None, None], ([1, 2, 3], False)),
        (['gray'], [None], ([1, 1, 1], True)),
        (['gray', 'gray'], [None, None], ([1, 1, 1], False)),
    ],
)
def test_bands_that_are_shown(meanings, descriptions, expected):
    assert display_bands(name_bands(descriptions, meanings)) == expected


def test_a_scene_in_a_local_system_has_no_place(write_scene, tmp_path):
    write_scene('in/a.tif', crs='LOCAL_CS["site grid",UNIT["metre",1]]')
    (file,) = scan_folder(tmp_path / 'in', tmp_path / 'out', workers=0).files
    assert file.outline is None


def test_a_scene_across_longitude_180_is_in_one_piece(write_scene, tmp_path):
    degrees = dict(crs='EPSG:4326', transform=rasterio.Affine(0.1, 0, 175, 0, -0.1, 5))
    write_scene('in/a.tif', 100, 80, **degrees)
    (file,) = scan_folder(tmp_path / 'in', tmp_path / 'out', workers=0).files
    assert sorted({tuple(corner) for corner in file.outline}) == [
        (175, -3), (175, 5), (185, -3), (185, 5)
    ]  # fmt: skip


def test_blank_values_of_one_band_are_not_measured(write_scene, tmp_path):
    pixels = np.tile(np.arange(1, 65, dtype=np.int16), (3, 64, 1))
    pixels[2, :, 32:] = -9999
    write_scene('in/a.tif', pixels=pixels, nodata=-9999)
    scan = scan_folder(tmp_path / 'in', tmp_path / 'out', workers=0)
    means = [band.mean for band in scan.stored['3 bands of int16']]
    assert means == pytest.approx([32.5, 32.5, 16.5])
    red, _, blue = scan.rgb['3 bands of int16']
    assert blue.count == red.count // 2
