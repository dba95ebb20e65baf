"""DOTA patches: what is read, what is refused, what is reported."""

import logging

import numpy as np
import pytest
from mmengine.logging import MMLogger
from mmengine.registry import DATASETS, DefaultScope
from mmrotate.datasets import DOTAv2Dataset

STEPS = [
    dict(type='mmdet.LoadAnnotations', with_bbox=True, box_type='qbox'),
    dict(type='ConvertBoxType', box_type_mapping=dict(gt_bboxes='rbox')),
]
BOX = '10 10 30 10 30 20 10 20 ship'


@pytest.fixture
def build(tmp_path):
    def build(**options):
        with DefaultScope.overwrite_default_scope('mmrotate'):
            return DATASETS.build(
                dict(
                    type='rsp.OrientedDOTADataset',
                    data_root=str(tmp_path / 'DOTA'),
                    **dict(
                        dict(
                            ann_file='train/annfiles',
                            data_prefix=dict(img_path='train/images'),
                            pipeline=[],
                        ),
                        **options,
                    ),
                )
            )

    return build


@pytest.fixture
def patches(write_dota):
    def patches(**options):
        return write_dota('train', labels='annfiles', header='', **options)

    return patches


@pytest.fixture
def said():
    """Messages that go to the log of the run."""
    messages = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(
        (record.levelname, record.getMessage())
    )
    logger = MMLogger.get_instance('said', log_level='INFO')
    logger.addHandler(handler)
    yield messages
    logger.removeHandler(handler)


@pytest.mark.parametrize('ending', ['.png', '.tif', '.jpg', '.bmp', '.JPEG'])
def test_samples_are_those_of_the_files(patches, build, ending):
    folder = patches(names=['b', 'a', 'P1.x'], ending=ending)
    dataset = build()
    assert [data['img_id'] for data in dataset] == ['P1.x', 'a', 'b']
    for data in dataset:
        assert data['img_path'] == str(folder / 'images' / f'{data["img_id"]}{ending}')
        lines = (folder / 'annfiles' / f'{data["img_id"]}.txt').read_text().splitlines()
        assert [i['bbox'] for i in data['instances']] == [
            [float(v) for v in line.split()[:8]] for line in lines
        ]
        assert [
            dataset.metainfo['classes'][i['bbox_label']] for i in data['instances']
        ] == [line.split()[8] for line in lines]


def test_boxes_come_out_of_the_pipeline_as_they_were(patches, build):
    """Through mmrotate's own steps: center, sides, angle within le90."""
    folder = patches(names=['a'])
    (folder / 'annfiles' / 'a.txt').write_text(f'{BOX} 0\n')
    (data,) = build(pipeline=STEPS)
    x, y, w, h, angle = data['gt_bboxes'].tensor[0].tolist()
    assert (x, y) == pytest.approx((20, 15))
    sides = (w, h) if abs(np.cos(angle)) > 0.5 else (h, w)
    assert sides == pytest.approx((20, 10))
    assert data['gt_bboxes_labels'].tolist() == [6]


@pytest.mark.parametrize(('threshold', 'ignored'), [(100, 0), (1, 1), (0, 2)])
def test_difficult_objects_are_ignored_from_a_threshold_on(
    patches, build, threshold, ignored
):
    folder = patches(names=['a'])
    (folder / 'annfiles' / 'a.txt').write_text(f'{BOX} 0\n{BOX} 1\n{BOX} 2\n')
    (data,) = build(diff_thr=threshold)
    assert sum(i['ignore_flag'] for i in data['instances']) == ignored


def test_empty_images_and_flat_objects_are_counted_and_said(patches, build, said):
    folder = patches(names=['a', 'b', 'c'])
    (folder / 'annfiles' / 'a.txt').write_text('')
    (folder / 'annfiles' / 'b.txt').write_text(f'{BOX} 1\n1 1 2 2 3 3 4 4 ship 0\n')
    dataset = build(filter_cfg=dict(filter_empty_gt=True), diff_thr=0)
    assert [data['img_id'] for data in dataset] == ['b', 'c']
    read, flat, left_out = [m for m in said if 'objects' in m[1]]
    assert '3 images, 7 objects (' in read[1]
    assert '1 images without objects (a); 3 difficult, crowded' in read[1]
    assert flat[0] == 'WARNING'
    assert 'LEFT OUT 1 objects without area (b line 2)' in flat[1]
    assert 'left out 1 images without objects (filter_cfg.fil' in left_out[1]


def test_nothing_is_left_out_of_a_test(patches, build):
    folder = patches(names=['a', 'b'])
    (folder / 'annfiles' / 'a.txt').write_text('')
    dataset = build(filter_cfg=dict(filter_empty_gt=True), test_mode=True)
    assert [len(data['instances']) for data in dataset] == [0, 6]


def test_images_without_labels_are_a_submission(patches, build):
    patches(names=['a', 'b'])
    dataset = build(ann_file='', test_mode=True, pipeline=STEPS)
    assert [len(data['gt_bboxes']) for data in dataset] == [0, 0]


@pytest.mark.parametrize(
    ('spoil', 'message'),
    [
        (lambda f: (f / 'annfiles/a.txt').write_text('1 2 3\n'), r"a\.txt', line 1: "),
        (
            lambda f: (f / 'annfiles/a.txt').write_text(f'{BOX}s 0'),
            r"line 1: class 'ships' is unknown; nearest: 'ship'",
        ),
        (lambda f: (f / 'annfiles/a.txt').unlink(), r"no file in '.*annfiles' \(a\)"),
        (lambda f: (f / 'images/a.png').unlink(), r"no file in '.*images' \(a\)"),
        (
            lambda f: [file.write_text('') for file in (f / 'annfiles').iterdir()],
            'expected images to train on in .* left out all 2',
        ),
    ],
)  # fmt: skip
def test_bad_input_is_refused_by_name(patches, build, spoil, message):
    spoil(patches(names=['a', 'b']))
    with pytest.raises(ValueError, match=message):
        build(filter_cfg=dict(filter_empty_gt=True))


def test_missing_folders_are_refused_by_name(patches, build):
    with pytest.raises(FileNotFoundError, match=r"a folder at '.*train/images'"):
        build()
    patches()
    with pytest.raises(
        FileNotFoundError, match=r"a folder at '.*labels', there is no.*split_dota"
    ):
        build(ann_file='train/labels')


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('210 10 230 10 230 20 210 20 ship 0', r"lies outside '.*a\.png' of 120 x 96"),
        ('0.1 0.1 0.3 0.1 0.3 0.2 0.1 0.2 ship 0', 'in shares of the image, 0 to 1'),
        ('3 0.1 0.1 0.3 0.1 0.3 0.2 0.1 0.2', 'got 9 numbers; write the class last'),
        (f'{BOX} maybe', r"0, 1 or 2 \(difficult\) in the last place, got 'maybe'"),
    ],
)
def test_objects_outside_and_in_shares_are_refused(patches, build, line, message):
    folder = patches(names=['a'])
    (folder / 'annfiles' / 'a.txt').write_text(f'{BOX} 0\n{line}\n')
    with pytest.raises(ValueError, match=message) as refusal:
        build()
    assert "annfiles/a.txt', line 2: " in str(refusal.value)


def test_an_object_that_the_border_cuts_reaches_beyond_it(patches, build):
    """As patches have them: 70 % of it are inside; and flags as words."""
    folder = patches(names=['a'])
    (folder / 'annfiles' / 'a.txt').write_text(
        '106 -3 126 -3 126 7 106 7 ship true\n1 1 9 1 9 8 1 8 ship no\n'
    )
    (data,) = build(diff_thr=0)
    assert [i['ignore_flag'] for i in data['instances']] == [1, 0]
    assert (data['height'], data['width']) == (96, 120)


CRANE = BOX.replace('ship', 'container-crane')


@pytest.mark.parametrize(('version', 'number'), [('1.5', 16), ('2.0', 18)])
def test_later_releases_add_classes_behind_those_of_the_first(
    patches, build, version, number
):
    """Numbers of v1.0 stay, as in mmrotate."""
    folder = patches(names=['a'])
    (folder / 'annfiles' / 'a.txt').write_text(f'{BOX} 0\n{CRANE} 0\n')
    dataset = build(version=version)
    assert dataset.metainfo['classes'] == DOTAv2Dataset.METAINFO['classes'][:number]
    assert len(dataset.metainfo['palette']) == number
    assert [i['bbox_label'] for i in dataset[0]['instances']] == [6, 15]


def test_a_class_of_a_later_release_is_told_as_one(patches, build):
    folder = patches(names=['a'])
    (folder / 'annfiles' / 'a.txt').write_text(f'{CRANE} 0\n')
    with pytest.raises(ValueError, match=r"came with DOTA-v1\.5; set version='1\.5'"):
        build()
    with pytest.raises(ValueError, match="'version' of DOTA to be one of '1"):
        build(version='1.6')
