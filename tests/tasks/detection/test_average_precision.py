"""Average precision against what it is by hand."""

import math

import numpy as np
import pytest
import torch

from rsp.tasks.detection import BoxAveragePrecision

CLASSES = ('ship', 'dam', 'vehicle')
SHIP, DAM = ([10, 10, 40, 30], 0), ([50, 20, 70, 60], 1)
# Of 101 recalls 0, 0.01, ..., those up to a half.
HALF = 51 / 101


def sample(truth, found, img_id='a', ignored=()):
    """One image; found are (box, class, score)."""
    return dict(
        img_id=img_id,
        img_path=f'{img_id}.png',
        ori_shape=(80, 100),
        instances=[
            dict(bbox=box, bbox_label=label, ignore_flag=int(i in ignored))
            for i, (box, label) in enumerate(truth)
        ],
        pred_instances=dict(
            bboxes=torch.tensor([f[0] for f in found]).float().reshape(-1, 4),
            labels=torch.tensor([f[1] for f in found]).long(),
            scores=torch.tensor([f[2] for f in found]).float(),
        ),
    )


def score(*samples, classes=CLASSES, **options):
    metric = BoxAveragePrecision(**options)
    metric.dataset_meta = dict(classes=classes)
    metric.process({}, samples)
    result = metric.evaluate(size=len(samples))
    return {name.removeprefix('coco/'): value for name, value in result.items()}


def test_perfect_boxes_have_ap_1_in_every_class():
    result = score(
        sample([SHIP, DAM], [(*SHIP, 0.9), (*DAM, 0.4)]),
        sample([SHIP], [(*SHIP, 0.6)], img_id='b'),
    )
    for name in ('bbox_mAP_50', 'bbox_mAP', 'AP50/ship', 'AP50/dam', 'bbox_AR@100'):
        assert result[name] == pytest.approx(1), name
    # There is none: nothing to say, and nothing in the mean.
    assert math.isnan(result['AP50/vehicle'])


def test_classes_are_scored_apart():
    result = score(sample([SHIP, DAM], [(*SHIP, 0.9), (DAM[0], 2, 0.8)]))
    assert result['AP50/ship'] == pytest.approx(1)
    assert result['AP50/dam'] == 0
    assert result['bbox_mAP_50'] == pytest.approx(0.5)


def test_half_found_is_half_the_recalls():
    result = score(sample([SHIP, (DAM[0], 0)], [(*SHIP, 0.9)]))
    assert result['AP50/ship'] == pytest.approx(HALF)


def test_a_false_alarm_above_costs_and_below_does_not():
    truth = [SHIP, (DAM[0], 0)]
    alarm = [0, 60, 20, 79]
    above = score(sample(truth, [(*SHIP, 0.5), (alarm, 0, 0.9)]))
    assert above['AP50/ship'] == pytest.approx(HALF / 2)
    below = score(sample(truth, [(*SHIP, 0.5), (alarm, 0, 0.1)]))
    assert below['AP50/ship'] == pytest.approx(HALF)


def test_a_second_box_on_one_object_is_a_false_alarm():
    truth = [SHIP, (DAM[0], 0)]
    found = [(*SHIP, 0.9), (*SHIP, 0.8), (DAM[0], 0, 0.7)]
    # Precision 1 up to half the recall, then two of three.
    result = score(sample(truth, found))
    assert result['AP50/ship'] == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_iou_of_0_62_counts_at_three_of_ten_thresholds():
    wide = [10, 10, 110, 20]
    shifted = [10, 10, 72, 20]
    result = score(sample([(wide, 0)], [(shifted, 0, 0.9)]))
    assert result['bbox_mAP_50'] == pytest.approx(1)
    assert result['bbox_mAP_75'] == 0
    assert result['bbox_mAP'] == pytest.approx(0.3)


def test_ignored_truth_is_neither_missed_nor_a_mistake():
    truth = [SHIP, (DAM[0], 0)]
    for found in ([(*SHIP, 0.9)], [(*SHIP, 0.9), (DAM[0], 0, 0.95)]):
        result = score(sample(truth, found, ignored=(1,)))
        assert result['AP50/ship'] == pytest.approx(1)


def test_an_image_without_objects_counts_its_false_alarms():
    empty = sample([], [(*SHIP, 0.95)], img_id='b')
    result = score(sample([SHIP], [(*SHIP, 0.9)]), empty)
    assert result['AP50/ship'] == pytest.approx(0.5)


def test_more_than_a_hundred_boxes_of_an_image_count():
    """COCO's own table stops there; scenes hold hundreds of vehicles."""
    grid = [
        [10 * i, 10 * j, 10 * i + 8, 10 * j + 8] for i in range(20) for j in range(8)
    ]
    found = [(box, 0, 0.9 - n / 1000) for n, box in enumerate(grid)]
    result = score(sample([(box, 0) for box in grid], found))
    assert result['bbox_mAP_50'] == result['bbox_mAP'] == pytest.approx(1)
    assert result['bbox_AR@100'] == pytest.approx(100 / 160)
    assert result['bbox_AR@300'] == pytest.approx(1)


def test_areas_split_at_32_and_96_pixels():
    large = [0, 0, 97, 97]
    result = score(sample([SHIP, (large, 0)], [(*SHIP, 0.9)]))
    assert result['bbox_mAP_s'] == pytest.approx(1)
    assert result['bbox_mAP_l'] == 0
    assert math.isnan(result['bbox_mAP_m'])


def test_nothing_found_is_0_not_nothing():
    result = score(sample([SHIP, DAM], []))
    assert (result['bbox_mAP_50'], result['bbox_mAP'], result['AP50/dam']) == (0, 0, 0)


def test_values_agree_with_mmdets_metric():
    """On random boxes, where nothing is worked out by hand."""
    from mmdet.evaluation import CocoMetric

    rng = np.random.default_rng(0)
    samples = []
    for name in 'abcdef':
        corners = rng.integers(60, size=(8, 2))
        truth = [
            ([*map(float, c), *map(float, c + 20)], i % 3)
            for i, c in enumerate(corners)
        ]
        found = [
            ((np.array(box) + rng.normal(0, 2.5, 4)).tolist(), label, rng.random())
            for box, label in truth[:6]
        ]
        samples.append(sample(truth, found, img_id=name))
    theirs = CocoMetric(classwise=True, proposal_nums=(1, 10, 100))
    theirs.dataset_meta = dict(classes=CLASSES)
    theirs.process({}, samples)
    expected = theirs.evaluate(size=len(samples))
    ours = score(*samples, proposal_nums=(1, 10, 100))
    for name in ('bbox_mAP', 'bbox_mAP_50', 'bbox_mAP_75', 'bbox_mAP_s'):
        assert 0.05 < ours[name] < 0.95
        assert ours[name] == pytest.approx(expected[f'coco/{name}'], abs=6e-4)


def test_truth_that_does_not_arrive_is_refused():
    blind = sample([SHIP], [])
    del blind['instances']
    with pytest.raises(ValueError, match=r"truth of 'a\.png'.*add 'instances'"):
        score(blind)
    with pytest.raises(ValueError, match='the 1 test images have none'):
        score(sample([], [(*SHIP, 0.9)]))


def test_detections_can_be_written_without_scoring(tmp_path):
    prefix = tmp_path / 'new' / 'result'
    result = score(
        sample([], [(*DAM, 0.25)]), format_only=True, outfile_prefix=str(prefix)
    )
    assert result == {}
    import json

    (written,) = json.loads((tmp_path / 'new' / 'result.bbox.json').read_text())
    assert written == dict(
        image_id='a', bbox=[50, 20, 20, 40], score=0.25, category_id=1
    )
