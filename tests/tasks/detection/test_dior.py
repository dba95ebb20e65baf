import runpy
import sys

import pytest

from rsp.io.configs import config_folder
from rsp.tasks.detection import DIORDataset
from rsp.tasks.detection.dior import PUBLISHED_IMAGES

TOOL = config_folder().parent / 'tools' / 'dataset_tools' / 'check_dior.py'


def test_classes_stand_in_the_order_of_the_published_files():
    classes = DIORDataset.METAINFO['classes']
    assert len(set(classes)) == len(set(DIORDataset.METAINFO['palette'])) == 20
    assert (classes[0], classes[4], classes[10], classes[19]) == (
        'ship',
        'vehicle',
        'Expressway-Service-area',
        'chimney',
    )


def test_published_counts_agree():
    images = PUBLISHED_IMAGES
    assert images['train'] + images['val'] == images['trainval']
    assert images['trainval'] + images['test'] == 23463


def test_splits_come_from_their_folders(dior):
    def read(split, folder):
        return DIORDataset(
            data_root=str(dior),
            ann_file=f'ImageSets/Main/{split}.txt',
            img_subdir=folder,
        )

    assert len(read('trainval', 'JPEGImages-trainval')) == 4
    tested = read('test', 'JPEGImages-test')
    assert [info['img_id'] for info in tested.load_data_list()] == ['00005', '00006']
    # Corners as they stand in the file.
    assert tested.get_data_info(0)['instances'][0]['bbox'] == [20, 14, 44, 30]
    with pytest.raises(ValueError, match=r"no file in '.*JPEGImages-trainval' \(00005"):
        read('test', 'JPEGImages-trainval')


@pytest.fixture
def as_published(dior, monkeypatch):
    module = sys.modules['rsp.tasks.detection.dior']
    counts = dict(train=2, val=2, trainval=4, test=2)
    monkeypatch.setattr(module, 'PUBLISHED_IMAGES', counts)
    monkeypatch.setattr(module, 'PUBLISHED_BOXES', 12)
    return module.differences


def test_a_folder_as_published_has_no_differences(as_published, dior):
    assert as_published(dior) == []


def test_missing_files_are_named(as_published, dior):
    (dior / 'JPEGImages-test' / '00006.jpg').unlink()
    (dior / 'JPEGImages-trainval' / '00002.jpg').unlink()
    (dior / 'JPEGImages-trainval' / '00003.jpg').unlink()
    (dior / 'Annotations' / 'Horizontal Bounding Boxes' / '00004.xml').unlink()
    (dior / 'ImageSets' / 'Main' / 'val.txt').write_text('00003\n')
    found = '\n'.join(as_published(dior))
    assert "JPEGImages-trainval' lacks 2 files: 00002, 00003." in found
    assert "JPEGImages-test' lacks 1 files: 00006." in found
    assert "Boxes' lacks 1 files: 00004." in found
    assert "val.txt' lists 1 images, not 2." in found
    assert 'together are not trainval.txt' in found
    assert 'has 10 boxes, not 12' in found


def test_a_mixed_up_split_and_unlisted_files_are_named(as_published, dior):
    (dior / 'ImageSets' / 'Main' / 'test.txt').write_text('00001\n00005\n')
    found = '\n'.join(as_published(dior))
    assert '1 images are in both splits' in found
    assert "JPEGImages-test' has 1 unlisted: 00006." in found


def test_the_tool_says_and_returns_what_differs(dior, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', [str(TOOL), str(dior)])
    with pytest.raises(SystemExit) as leaving:
        runpy.run_path(str(TOOL), run_name='__main__')
    assert 'is not the published DIOR' in leaving.value.code
    assert "trainval.txt' lists 4 images, not 11725." in leaving.value.code


def test_the_tool_is_content_with_the_published_data(
    as_published, dior, monkeypatch, capsys
):
    monkeypatch.setattr(sys, 'argv', [str(TOOL), str(dior)])
    runpy.run_path(str(TOOL), run_name='__main__')
    assert '6 images and 12 boxes as published' in capsys.readouterr().out


def test_the_tool_names_a_missing_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, 'argv', [str(TOOL), str(tmp_path / 'none')])
    with pytest.raises(SystemExit) as leaving:
        runpy.run_path(str(TOOL), run_name='__main__')
    assert 'there is none' in leaving.value.code
