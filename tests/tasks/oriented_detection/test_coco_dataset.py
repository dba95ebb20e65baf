"""Rotated boxes from the polygons of a COCO json."""

import json

import numpy as np
import pytest
from PIL import Image

from rsp.tasks.oriented_detection import OrientedCocoDataset

STEPS = [
    dict(type='mmdet.LoadAnnotations', with_bbox=True, box_type='qbox'),
    dict(type='mmrotate.ConvertBoxType', box_type_mapping=dict(gt_bboxes='rbox')),
]
# Sides of 20 and 10, turned by atan(3 / 4), around (50, 40).
TURNED = [45, 30, 61, 42, 55, 50, 39, 38]


@pytest.fixture
def build(tmp_path):
    Image.new('RGB', (96, 80)).save(tmp_path / 'a.png')

    def build(segmentation=(TURNED,), pipeline=(), **changes):
        annotation = dict(
            id=1, image_id=1, category_id=3, segmentation=segmentation, iscrowd=0
        )
        content = dict(
            images=[dict(id=1, file_name='a.png', width=96, height=80)],
            annotations=[annotation | changes],
            categories=[dict(id=3, name='ship')],
        )
        (tmp_path / 'a.json').write_text(json.dumps(content))
        return OrientedCocoDataset(
            data_root=str(tmp_path),
            ann_file='a.json',
            metainfo=dict(classes=('ship',)),
            pipeline=list(pipeline),
        )

    return build


def test_the_box_of_a_polygon_goes_through_mmrotates_steps(build):
    (data,) = build([TURNED], STEPS)
    x, y, width, height, angle = data['gt_bboxes'].tensor[0].tolist()
    assert (x, y) == pytest.approx((50, 40), abs=1e-4)
    assert sorted((width, height)) == pytest.approx([10, 20], abs=1e-4)
    long = angle if width > height else angle + np.pi / 2
    assert np.tan(long) == pytest.approx(3 / 4, abs=1e-4)
    assert data['gt_bboxes_labels'].tolist() == [0]


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        (
            dict(segmentation=None, bbox=[1, 2, 3, 4]),
            "expected a 'segmentation' to take",
        ),
        (dict(segmentation=[[1, 1, 5, 5, 9, 9]]), 'outline has no area'),
        (dict(segmentation=[[190, 1, 199, 1, 199, 9]]), "lies outside '"),
        (dict(iscrowd='maybe'), "expected 0 or 1 in iscrowd, got 'maybe'"),
        (dict(category_id='3'), "category_id '3' is a text, the categories have num"),
    ],
)
def test_what_gives_no_box_is_refused(build, change, words):
    with pytest.raises(ValueError, match='annotation 1: ') as refusal:
        build(**change)
    assert words in str(refusal.value)


def test_a_crowd_is_ignored(build):
    ((instance,),) = [data['instances'] for data in build([TURNED], iscrowd='true')]
    assert instance['ignore_flag'] == 1
