import json
import runpy
import sys

import pytest
from PIL import Image

from rsp.io.configs import config_folder
from rsp.prepare.convert import dota_to_coco
from rsp.tasks.common.dota import CLASSES
from rsp.tasks.detection import DOTACocoDataset

TOOL = config_folder().parent / 'tools' / 'dataset_tools' / 'dota_to_coco.py'
HEADER = 'imagesource:GoogleEarth\ngsd:0.146\n'
# A square on its corner, 10 pixels in each direction from (30, 20).
SHIP = '30 10 40 20 30 30 20 20 ship 0'


@pytest.fixture
def write(tmp_path):
    def write(name, text, labels='annfiles', size=(60, 50), ending='png'):
        for folder in ('images', labels):
            (tmp_path / 'train' / folder).mkdir(parents=True, exist_ok=True)
        image = tmp_path / 'train' / 'images' / f'{name}.{ending}'
        Image.new('RGB', size).save(image)
        (tmp_path / 'train' / labels / f'{name}.txt').write_text(text)
        return tmp_path / 'train'

    return write


def test_the_box_is_upright_around_the_corners(write):
    made = dota_to_coco.convert(write('a', SHIP), ignore_difficult=False)
    (box,) = made.content['annotations']
    assert (box['bbox'], box['area']) == ([20, 10, 20, 20], 400)
    assert CLASSES[box['category_id']] == 'ship'
    (image,) = made.content['images']
    assert image == dict(id=1, file_name='a.png', width=60, height=50)


def test_headers_are_known_and_only_at_the_top(write):
    folder = write('a', HEADER + SHIP + '\n\n', labels='labelTxt')
    assert len(dota_to_coco.convert(folder, False).content['annotations']) == 1
    folder = write('a', SHIP + '\n' + HEADER, labels='labelTxt')
    with pytest.raises(ValueError, match=r"a\.txt', line 2: expected 'x1 y1"):
        dota_to_coco.convert(folder, False)


def test_what_windows_puts_before_the_headers_is_none_of_them(write):
    folder = write('a', '')
    text = '\ufeffImageSource:GoogleEarth\r\nGSD:0.146\r\n' + SHIP
    (folder / 'annfiles/a.txt').write_bytes(text.encode())
    assert len(dota_to_coco.convert(folder, False).content['annotations']) == 1


def test_labels_in_another_encoding_are_a_problem_among_others(write):
    write('a', 'x')
    folder = write('b', '')
    (folder / 'annfiles/b.txt').write_bytes(b'imagesource:\xe9')
    with pytest.raises(ValueError, match='2 problems') as refusal:
        dota_to_coco.convert(folder, False)
    assert "expected text in UTF-8 in '" in str(refusal.value)


def test_boxes_are_cut_at_the_edge_and_left_out_beyond_it(write):
    lines = [SHIP, '50 40 70 40 70 60 50 60 plane 0', '61 0 70 0 70 9 61 9 plane 0']
    made = dota_to_coco.convert(write('a', '\n'.join(lines)), False)
    assert made.content['annotations'][1]['bbox'] == [50, 40, 10, 10]
    assert (made.cut, made.outside, made.per_class['plane']) == (1, 1, 1)


def test_objects_without_area_are_left_out_and_named(write):
    lines = SHIP + '\n30 10 30 20 30 30 30 10 ship 0'
    made = dota_to_coco.convert(write('a', lines), False)
    assert len(made.content['annotations']) == 1
    assert "and 1 without area left out.\n  '" in str(made)
    assert "a.txt', line 2\n" in str(made)


@pytest.mark.parametrize(('difficult', 'crowd'), [(0, 0), (1, 1), (2, 0)])
def test_difficult_objects_are_ignored_but_not_those_cut_by_a_tile(
    write, difficult, crowd
):
    folder = write('a', SHIP[:-1] + str(difficult))
    (box,) = dota_to_coco.convert(folder, True).content['annotations']
    assert (box['iscrowd'], box['difficult']) == (crowd, difficult)
    (box,) = dota_to_coco.convert(folder, False).content['annotations']
    assert box['iscrowd'] == 0


@pytest.mark.parametrize(
    ('line', 'words'),
    [
        ('30 10 40 20 30 30 20 ship', "expected 'x1 y1 x2 y2"),
        ('30 10 40 20 30 30 20 20 ship 0 1', 'got 11 values'),
        ('30 10 40 20 x 30 20 20 ship 0', 'expected 8 numbers first'),
        ('30 10 40 20 nan 30 20 20 ship 0', 'expected 8 numbers first'),
        ('30 10 40 20 30 30 20 20 Ship 0', "nearest: 'ship'"),
        ('30 10 40 20 30 30 20 20 ship 3', 'expected 0, 1 or 2'),
    ],
)
def test_a_malformed_line_is_refused_with_file_and_line(write, line, words):
    write('ok', SHIP)
    folder = write('a', HEADER + SHIP + '\n' + line, labels='annfiles')
    with pytest.raises(ValueError, match='1 problem in') as refusal:
        dota_to_coco.convert(folder, False)
    assert f"'{folder}/annfiles/a.txt', line 4: " in str(refusal.value)
    assert words in str(refusal.value)


def test_an_unreadable_image_is_named(write):
    folder = write('a', SHIP)
    (folder / 'images' / 'a.png').write_text('<html>Not found</html>')
    with pytest.raises(ValueError, match=r"a\.png'; repair or remove the image"):
        dota_to_coco.convert(folder, False)


def test_images_without_labels_and_labels_without_image_are_named(write):
    write('a', SHIP)
    folder = write('b', SHIP)
    (folder / 'images' / 'a.png').unlink()
    (folder / 'annfiles' / 'b.txt').unlink()
    with pytest.raises(ValueError, match='2 problems') as refusal:
        dota_to_coco.convert(folder, False)
    assert f"no file in '{folder}/annfiles' (b)" in str(refusal.value)
    assert f"no file in '{folder}/images' (a)" in str(refusal.value)


def test_missing_folders_and_two_kinds_of_labels_are_refused(write, tmp_path):
    with pytest.raises(FileNotFoundError, match="folders 'images' and one of"):
        dota_to_coco.convert(tmp_path, False)
    folder = write('a', SHIP)
    write('a', SHIP, labels='labelTxt')
    with pytest.raises(FileNotFoundError, match='give the folder of one split'):
        dota_to_coco.convert(folder, False)


def test_the_tool_writes_what_the_data_set_reads(write, tmp_path, monkeypatch, capsys):
    write('b', '')
    folder = write('a', SHIP + '\n' + SHIP.replace('ship 0', 'plane 1'), ending='tif')
    out = tmp_path / 'json' / 'train.json'
    arguments = [str(TOOL), str(folder), str(out), '--ignore-difficult']
    monkeypatch.setattr(sys, 'argv', arguments)
    runpy.run_path(str(TOOL), run_name='__main__')
    said = capsys.readouterr().out
    assert '2 images, 1 of them without objects; 2 boxes, 1 of them difficult' in said
    assert '  ship: 1\n' in said
    assert [c['name'] for c in json.loads(out.read_text())['categories']][6] == 'ship'

    dataset = DOTACocoDataset(
        ann_file=str(out), data_prefix=dict(img=str(folder / 'images'))
    )
    first = dataset.get_data_info(0)
    assert first['img_path'].endswith('a.tif')
    assert [i['bbox_label'] for i in first['instances']] == [6, 0]
    assert [i['ignore_flag'] for i in first['instances']] == [0, 1]


def test_the_tool_ends_with_a_line_about_a_wrong_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, 'argv', [str(TOOL), str(tmp_path), 'out.json'])
    with pytest.raises(SystemExit) as leaving:
        runpy.run_path(str(TOOL), run_name='__main__')
    assert str(leaving.value.code).startswith('error: expected folders')


def test_classes_of_a_later_release_are_converted_and_loaded(write):
    folder = write('a', f'{SHIP}\n{SHIP.replace("ship", "helipad")}\n')
    with pytest.raises(ValueError, match=r"came with DOTA-v2\.0; set version='2\.0'"):
        dota_to_coco.convert(folder, False)
    made = dota_to_coco.convert(folder, False, version='2.0')
    assert 'helipad: 1' in str(made)
    dota_to_coco.write(made, folder / 'train.json')
    dataset = DOTACocoDataset(
        version='2.0',
        data_root=str(folder),
        ann_file='train.json',
        data_prefix=dict(img='images'),
    )
    labels = [i['bbox_label'] for i in dataset.get_data_info(0)['instances']]
    assert labels == [CLASSES.index('ship'), 17]
    assert len(dataset.metainfo['palette']) == 18
