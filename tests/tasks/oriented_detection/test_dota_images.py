"""DOTA cut into patches: pixels, corners and counts are accounted for."""

import json
import runpy
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from rsp.prepare.tile import dota_images
from rsp.prepare.tile.dota_images import split_folder
from rsp.prepare.tile.dota_settings import Settings
from rsp.tasks.common.class_names import ClassNames
from rsp.tasks.common.dota import CLASSES, read_labels
from rsp.tasks.common.dota_patches import Patch
from rsp.tasks.common.faults import Faults

TOOL = Path(__file__).parents[3] / 'tools' / 'dataset_tools' / 'split_dota.py'
SMALL = Settings(size=48, gap=26)


def split(folder, out, settings=SMALL, workers=0):
    labels = folder / 'labelTxt'
    return split_folder(
        folder / 'images',
        labels if labels.is_dir() else None,
        out,
        settings,
        workers=workers,
    )


def labels_of(file):
    faults = Faults(file)
    labels = read_labels(file, ClassNames(CLASSES), faults)
    faults.refuse()
    return labels


def test_patches_are_pieces_of_the_image(write_dota, tmp_path):
    folder = write_dota('train')
    records = split(folder, tmp_path / 'out', workers=2)
    files = sorted((tmp_path / 'out' / 'images').iterdir())
    assert len(files) == sum(record.patches for record in records)
    # 96 x 120 pixels: 4 rows from 0, 22, 44, 48 and 5 columns from 0, 22, ..., 72.
    assert [record.patches for record in records] == [20, 20]
    for file in files:
        patch = Patch.from_name(file.stem)
        source = cv2.imread(str(folder / 'images' / f'{patch.image}.png'))
        part = source[patch.y : patch.y + 48, patch.x : patch.x + 48]
        assert (cv2.imread(str(file)) == part).all()


def test_every_object_comes_back_where_it_was(write_dota, tmp_path):
    """Whole at least once, with its own difficulty, at exactly its corners."""
    folder = write_dota('train', count=12)
    split(folder, tmp_path / 'out')
    for name in ('P0003', 'P0017'):
        wanted = {
            (label.polygon, label.name, label.difficult)
            for label in labels_of(folder / 'labelTxt' / f'{name}.txt')
        }
        assert len(wanted) == 12
        found = {
            (
                tuple(
                    round(v + (patch.x, patch.y)[i % 2], 6)
                    for i, v in enumerate(label.polygon)
                ),
                label.name,
                label.difficult,
            )
            for file in (tmp_path / 'out' / 'annfiles').glob(f'{name}__*.txt')
            for patch in [Patch.from_name(file.stem)]
            for label in labels_of(file)
        }
        assert wanted <= found
        # The others are copies of the same objects that a border cuts.
        rest = {(polygon, kind) for polygon, kind, _ in found - wanted}
        assert rest <= {(polygon, kind) for polygon, kind, _ in wanted}
        assert {difficult for _, _, difficult in found - wanted} <= {2}


def test_an_object_stays_where_70_percent_of_it_are_seen(tmp_path, write_dota):
    """Boxes ten wide that begin 7.1, 7 and 6.9 before the border, and a flat one."""
    folder = write_dota('train', names=['P1'], size=(40, 72), count=0)
    lines = [
        '1 1 5 1 5 5 1 5 plane 1',
        '32.9 1 42.9 1 42.9 5 32.9 5 ship 0',
        '33 11 43 11 43 15 33 15 ship 1',
        '33.1 21 43.1 21 43.1 25 33.1 25 ship 0',
        '2 30 4 30 6 30 8 30 harbor 0',
        '0 32 70 32 70 38 0 38 bridge 0',
    ]
    (folder / 'labelTxt' / 'P1.txt').write_text('\n'.join(lines))
    (record,) = split(folder, tmp_path / 'out', Settings(size=40, gap=4))
    assert record.objects == 6
    assert record.dropped == ['line 6']
    assert record.flat == ['line 5']
    assert record.kept == 4
    first = labels_of(tmp_path / 'out' / 'annfiles' / 'P1__40__0___0.txt')
    assert [(label.name, label.difficult) for label in first] == [
        ('plane', 1),
        ('ship', 2),
        ('ship', 2),
    ]
    # From 32 on, all three are whole and have their own difficulty.
    second = labels_of(tmp_path / 'out' / 'annfiles' / 'P1__40__32___0.txt')
    assert [label.difficult for label in second] == [0, 1, 0]
    assert second[0].polygon == (0.9, 1.0, 10.9, 1.0, 10.9, 5.0, 0.9, 5.0)
    assert (record.copies, record.cut_off) == (6, 2)


def test_a_small_image_is_only_padded(write_dota, tmp_path):
    folder = write_dota('train', names=['P2'], size=(30, 40))
    (record,) = split(folder, tmp_path / 'out', Settings(size=64, gap=8))
    assert (record.patches, record.kept) == (1, 6)
    patch = cv2.imread(str(tmp_path / 'out' / 'images' / 'P2__64__0___0.png'))
    assert patch.shape == (64, 64, 3)
    assert (patch[:30, :40] == cv2.imread(str(folder / 'images' / 'P2.png'))).all()
    assert (patch[30:] == [104, 116, 124]).all()
    assert (patch[:, 40:] == [104, 116, 124]).all()
    before = labels_of(folder / 'labelTxt' / 'P2.txt')
    after = labels_of(tmp_path / 'out' / 'annfiles' / 'P2__64__0___0.txt')
    assert [label.polygon for label in after] == [label.polygon for label in before]


def test_rates_change_the_windows(write_dota, tmp_path):
    folder = write_dota('train', names=['P3'])
    split(folder, tmp_path / 'out', Settings(size=48, gap=24, rates=(0.5, 1.0, 1.5)))
    files = (tmp_path / 'out' / 'images').glob('*.png')
    assert {Patch.from_name(file.stem).size for file in files} == {96, 48, 32}


def test_an_interrupted_run_goes_on(write_dota, tmp_path, monkeypatch):
    folder = write_dota('train', names=['P1', 'P2', 'P3'])
    out = tmp_path / 'out'
    whole = split(folder, tmp_path / 'whole')
    cut, begun = dota_images.split_image, []

    def split_image(job):
        begun.append(job['key'])
        if len(begun) == 3:
            raise KeyboardInterrupt
        return cut(job)

    monkeypatch.setattr(dota_images, 'split_image', split_image)
    with pytest.raises(KeyboardInterrupt):
        split(folder, out)
    with (out / 'split.jsonl').open('a') as log:
        log.write('{"key": "P3", "rec')  # what a full disk leaves
    assert split(folder, out) == whole
    assert begun == ['P1', 'P2', 'P3', 'P3']
    # Once more: nothing is cut, all is verified.
    assert split(folder, out) == whole
    assert len(begun) == 4
    (out / 'images' / 'P2__48__0___0.png').unlink()
    with pytest.raises(ValueError, match='missing: P2__48__0___0, unknown: none'):
        split(folder, out)


def test_other_output_is_refused(write_dota, tmp_path):
    folder = write_dota('train')
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine' / 'thesis.tex').touch()
    with pytest.raises(ValueError, match='expected an empty folder'):
        split(folder, tmp_path / 'mine')
    split(folder, tmp_path / 'out')
    with pytest.raises(ValueError, match=r"begun with, .'gap': 26., got .'gap': 12."):
        split(folder, tmp_path / 'out', Settings(size=48, gap=12))
    (folder / 'images' / 'P0003.png').unlink()
    (folder / 'labelTxt' / 'P0003.txt').unlink()
    with pytest.raises(ValueError, match=r'not in .*\(P0003\)'):
        split(folder, tmp_path / 'out')


def test_bad_input_stops_before_anything_is_written(write_dota, tmp_path):
    folder = write_dota('train')
    out = tmp_path / 'out'
    label = folder / 'labelTxt' / 'P0017.txt'
    good = label.read_text()
    label.write_text(good.replace('small-vehicle', 'small vehicle', 1))
    with pytest.raises(ValueError, match=r"P0017\.txt', line 3: .*got 11 values"):
        split(folder, out)
    label.unlink()
    with pytest.raises(ValueError, match=r"no file in '.*labelTxt' \(P0017\)"):
        split(folder, out)
    label.write_text(good)
    (folder / 'labelTxt' / 'P9.txt').write_text('')
    with pytest.raises(ValueError, match=r"no file in '.*images' \(P9\)"):
        split(folder, out)
    assert not out.exists()
    (folder / 'labelTxt' / 'P9.txt').unlink()
    (folder / 'images' / 'P0003.png').write_bytes(b'no image')
    with pytest.raises(ValueError, match=r"cannot read '.*P0003\.png'"):
        split(folder, out)


@pytest.fixture
def script(monkeypatch):
    def run(*arguments):
        monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, arguments)])
        runpy.run_path(str(TOOL), run_name='__main__')

    return run


def test_the_script_cuts_all_splits_and_says_what_it_did(
    write_dota, tmp_path, script, capsys
):
    for name in ('train', 'val'):
        write_dota(name)
    write_dota('test', labels=None)
    out = tmp_path / 'split'
    options = ('--size', 48, '--gap', 26, '--workers', 0)
    script(tmp_path / 'DOTA', out, *options)
    text = capsys.readouterr().out
    assert 'train: 2 images, 40 patches' in text
    assert '12 objects = 12 kept + 0 dropped' in text
    assert 'NOTE: DOTA-v1.0 has 1411 images and 98990 objects in train' in text
    assert 'NOTE: DOTA-v1.0 has 937 images in test' in text
    assert not (out / 'test' / 'annfiles').exists()
    head = json.loads((out / 'val' / 'split.jsonl').read_text().splitlines()[0])
    head = head['settings']
    assert (head['size'], head['gap'], head['labeled']) == (48, 26, True)
    (tmp_path / 'DOTA' / 'val' / 'labelTxt').rename(tmp_path / 'gone')
    with pytest.raises(SystemExit, match=r'error: expected a folder at .*labelTxt'):
        script(tmp_path / 'DOTA', out, '--splits', 'val', *options)


def test_the_script_goes_without_splits_that_are_not_there_unless_asked_for(
    write_dota, tmp_path, script, capsys
):
    write_dota('train')
    options = (tmp_path / 'DOTA', tmp_path / 'split', '--size', 48, '--workers', 0)
    script(*options, '--gap', 26)
    text = capsys.readouterr().out
    assert f"left out, as not in '{tmp_path / 'DOTA'}': val, test" in text
    assert 'train: 2 images' in text
    for words in (('--splits', 'train', 'test'), ('--splits', 'vall')):
        with pytest.raises(SystemExit, match='error: expected a folder'):
            script(*options, '--gap', 26, *words)


def test_the_script_names_its_command(script, capsys):
    with pytest.raises(SystemExit) as leaving:
        script('--help')
    assert leaving.value.code == 0
    assert 'python tools/dataset_tools/split_dota.py ' in capsys.readouterr().out


def test_gray_images_are_cut_like_colored_ones(tmp_path):
    """DOTA's panchromatic images come with one channel."""
    folder = tmp_path / 'pan'
    folder.mkdir()
    pixels = np.arange(40 * 50, dtype=np.uint16).reshape(40, 50) % 256
    cv2.imwrite(str(folder / 'P1.tif'), pixels.astype(np.uint8))
    split_folder(folder, None, tmp_path / 'out', Settings(size=64, gap=0), workers=0)
    patch = cv2.imread(str(tmp_path / 'out' / 'images' / 'P1__64__0___0.png'))
    assert (patch[:40, :50] == pixels[..., None]).all()


@pytest.mark.parametrize(
    ('settings', 'words'),
    [
        (dict(size=0, gap=0), 'size above 0, got 0'),
        (dict(size=64, gap=64), 'gap between 0 and 63, got 64'),
        (dict(rates=(1.0, 0.0)), r'rates above 0, got 0.0'),
        (dict(least_share=0.0), 'least_share above 0, got 0.0'),
        (dict(least_share=70.0), 'least_share between 0 and 1, got 70.0'),
    ],
)
def test_settings_that_cannot_cut_are_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        Settings(**settings)


def test_a_later_release_is_cut_by_its_classes(write_dota, tmp_path):
    folder = write_dota('train', names=['a'])
    file = folder / 'labelTxt/a.txt'
    file.write_text(file.read_text().replace('small-vehicle', 'container-crane'))
    with pytest.raises(ValueError, match=r'--version 1\.5'):
        split(folder, tmp_path / 'out')
    (record,) = split(folder, tmp_path / 'out', replace(SMALL, version='1.5'))
    assert record.kept == record.objects == 6
