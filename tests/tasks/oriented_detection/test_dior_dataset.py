"""DIOR-R in its original layout: what is read and what is refused."""

import numpy as np
import pytest
from mmengine.registry import DATASETS, DefaultScope
from PIL import Image

from rsp.tasks.common.voc import ORIENTED_BOX


@pytest.fixture
def build(tmp_path):
    def build(**options):
        with DefaultScope.overwrite_default_scope('mmrotate'):
            return DATASETS.build(
                dict(
                    type='rsp.OrientedDIORDataset',
                    data_root=str(tmp_path / 'data' / 'DIOR'),
                    ann_file='ImageSets/Main/train.txt',
                    data_prefix=dict(img_path='JPEGImages-trainval'),
                    pipeline=[],
                    **options,
                )
            )

    return build


@pytest.fixture
def xml(write_dior):
    """The label file of the first image, and a way to change its text."""
    file = write_dior() / 'Annotations' / 'Oriented Bounding Boxes' / '00001.xml'

    def replace(old, new, count=-1):
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, count))

    return replace


def test_samples_are_those_of_the_files(xml, build):
    dataset = build()
    first, second = dataset
    assert (first['img_id'], second['img_id']) == ('00001', '00002')
    assert (first['height'], first['width']) == (64, 80)
    assert first['img_path'].endswith('JPEGImages-trainval/00001.jpg')
    assert len(first['instances']) == 4
    names = [dataset.metainfo['classes'][i['bbox_label']] for i in first['instances']]
    assert names == ['ship', 'expressway-service-area'] * 2
    corners = np.array([i['bbox'] for i in first['instances']]).reshape(-1, 4, 2)
    with Image.open(first['img_path']) as image:
        pixels = np.asarray(image).astype(int)
    for x, y in corners.mean(axis=1).round().astype(int):
        assert pixels[y, x].max() > 150, 'the objects are bright, the ground is not'


def test_a_missing_size_is_that_of_the_image(xml, build):
    xml('<width>80</width>', '')
    first, _ = build()
    assert (first['height'], first['width']) == (64, 80)


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        (
            '<name>ship</name>',
            '<name>shipp</name>',
            "object 1: class 'shipp' is unknown; n",
        ),
        ('<name>ship</name>', '', 'object 1: expected a <name>, there is none'),
        (
            'robndbox>',
            'bndbox>',
            '<robndbox/x_left_top>, there is none; .* choose the folder',
        ),
        (
            '<x_left_top>',
            '<x_left_top>a',
            "object 1: expected a number in <robndbox/x_left_top>, got 'a",
        ),
        (
            '<y_left_top>',
            '<y_left_top>inf</y_left_top><y_left_top>',
            'number in <robndbox/y_left_top>',
        ),
        (
            '<difficult>0',
            '<difficult>maybe',
            "expected 0 or 1 in <difficult>, got 'maybe'",
        ),
        ('</annotation>', '', r"00001\.xml': not XML"),
    ],
)
def test_a_malformed_object_is_named(xml, build, old, new, message):
    xml(old, new, 1 if 'bndbox' not in old else -1)
    with pytest.raises(ValueError, match=message) as caught:
        build()
    assert '00001.xml' in str(caught.value)


def test_difficult_objects_can_be_ignored(xml, build):
    xml('<difficult>0', '<difficult>1', 1)
    assert not any(i['ignore_flag'] for i in build()[0]['instances'])
    assert [i['ignore_flag'] for i in build(diff_thr=0)[0]['instances']] == [1, 0, 0, 0]


def test_an_image_without_objects_is_left_out_of_training_only(xml, build, tmp_path):
    xml('object>', 'nothing>')
    assert len(build()) == 2
    assert len(build(filter_cfg=dict(filter_empty_gt=True))) == 1
    assert len(build(filter_cfg=dict(filter_empty_gt=True), test_mode=True)) == 2


@pytest.mark.parametrize(
    ('path', 'message'),
    [
        (
            'JPEGImages-trainval/00002.jpg',
            r"train\.txt':\n.*no file in '.*trainval' \(00002\)",
        ),
        (
            'Annotations/Oriented Bounding Boxes/00002.xml',
            r"train\.txt':\n.*no file in '.*Boxes' \(00002\)",
        ),
        ('ImageSets/Main/train.txt', 'expected a list of names at'),
    ],
)
def test_missing_files_are_named(xml, build, tmp_path, path, message):
    (tmp_path / 'data' / 'DIOR' / path).unlink()
    with pytest.raises(FileNotFoundError, match=message):
        build()


def test_a_list_names_each_image_once(xml, build, tmp_path):
    file = tmp_path / 'data/DIOR/ImageSets/Main/train.txt'
    file.write_text('00001\n00002\n00001\n')
    with pytest.raises(ValueError, match='names 00001 more than once'):
        build()
    file.write_text('\n')
    with pytest.raises(ValueError, match='expected one name per line'):
        build()


def test_horizontal_boxes_are_for_the_detection_configs(xml, build):
    with pytest.raises(ValueError, match="expected ann_type='obb'"):
        build(ann_type='hbb')


def test_corners_go_around_the_box():
    order = [c[len('robndbox/x_') :] for c in ORIENTED_BOX[::2]]
    assert order == ['left_top', 'right_top', 'right_bottom', 'left_bottom']


def test_a_size_that_is_not_the_images_is_told_before_its_objects(xml, build):
    xml('<width>80</width><height>64</height>', '<width>64</width><height>80</height>')
    with pytest.raises(ValueError, match=r'expected 80 x 64 .* got 64 x 80 in <size>'):
        build()


def test_an_object_outside_the_image_is_refused(xml, build):
    xml('<x_left_top>', '<x_left_top>9', 1)
    xml('<x_right_bottom>', '<x_right_bottom>9', 1)
    with pytest.raises(ValueError, match=r"object 1: the center of .* lies outside '"):
        build()


def test_words_are_flags_too(xml, build):
    xml('<difficult>0', '<difficult>True', 1)
    assert [i['ignore_flag'] for i in build(diff_thr=0)[0]['instances']] == [1, 0, 0, 0]
