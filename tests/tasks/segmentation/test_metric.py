import numpy as np
import pytest
import torch
from mmseg.evaluation import IoUMetric
from PIL import Image

from rsp.tasks.segmentation import ISPRSFiveClasses, PerClassIoUMetric

CLASSES = ISPRSFiveClasses.METAINFO['classes']


def score(truths, preds, classes=CLASSES, kind=PerClassIoUMetric, **options):
    """Scores of a data set, one image at a time."""
    metric = kind(**options)
    metric.dataset_meta = dict(classes=classes)
    for truth, pred in zip(truths, preds, strict=True):
        sample = dict(
            gt_sem_seg=dict(data=torch.as_tensor(truth)[None]),
            pred_sem_seg=dict(data=torch.as_tensor(pred)[None]),
        )
        metric.process({}, [sample])
    return metric.evaluate(len(truths))


def confusion_oracle(truths, preds, num_classes):
    """IoU and F1 by counting pixel after pixel."""
    hits, missed, false = (np.zeros(num_classes) for _ in range(3))
    for truth, pred in zip(truths, preds, strict=True):
        for t, p in zip(truth.ravel(), pred.ravel(), strict=True):
            if t == 255:
                continue
            if t == p:
                hits[t] += 1
            else:
                missed[t] += 1
                if p < num_classes:
                    false[p] += 1
    return hits / (hits + missed + false), 2 * hits / (2 * hits + missed + false)


def test_scores_are_those_of_one_confusion_matrix_over_the_data_set():
    rng = np.random.default_rng(0)
    truths = [rng.integers(5, size=(7, 9)), rng.integers(3, size=(5, 4))]
    truths[0][:2] = 255
    preds = [rng.integers(6, size=t.shape) for t in truths]
    iou, f1 = confusion_oracle(truths, preds, 5)
    scores = score(truths, preds)
    assert scores['mIoU'] == pytest.approx(100 * iou.mean(), abs=0.006)
    assert scores['mF1'] == pytest.approx(100 * f1.mean(), abs=0.006)
    for k, name in enumerate(CLASSES):
        key = name.replace(' ', '_')
        assert scores[f'IoU_{key}'] == pytest.approx(100 * iou[k], abs=0.006)
        assert scores[f'F1_{key}'] == pytest.approx(100 * f1[k], abs=0.006)


def test_a_perfect_prediction_scores_all_over_five_classes():
    """With clutter and borders in the picture."""
    gray = np.tile(np.arange(7), (4, 3))
    labels = {0: 255, 6: 255, **{value: value - 1 for value in range(1, 6)}}
    truth = np.vectorize(labels.get)(gray)
    pred = np.where(truth == 255, 5, truth)  # clutter predicted where nothing counts
    scores = score([truth], [pred])
    assert scores['mIoU'] == scores['mF1'] == scores['aAcc'] == 100
    assert len([key for key in scores if key.startswith('IoU_')]) == 5


def test_a_prediction_of_clutter_never_hits_and_always_misses():
    """The sixth output, on every pixel that counts."""
    truth = np.tile(np.arange(5), (4, 3))
    scores = score([truth], [np.full_like(truth, 5)])
    assert scores['mIoU'] == scores['mF1'] == scores['aAcc'] == 0
    half = truth.copy()
    half[:2] = 5
    scores = score([truth], [half])
    assert scores['mIoU'] == 50  # half of each class is missed, nothing is false
    assert scores['mF1'] == pytest.approx(200 / 3, abs=0.006)


def test_clutter_as_a_sixth_class_costs_a_sixth():
    """The trap behind the numbers around 70 that users of CMID's weights report."""
    truth = np.tile(np.arange(6), (4, 3))
    pred = np.where(truth == 5, 0, truth)
    six = score([truth], [pred], classes=(*CLASSES, 'clutter'))
    five = score([np.where(truth == 5, 255, truth)], [pred])
    assert five['mIoU'] == 100
    assert six['mIoU'] == pytest.approx(100 * 4.5 / 6, abs=0.006)


def test_a_class_that_is_never_predicted_has_no_f1_instead_of_none():
    truth = np.array([[0, 0, 1, 1]])
    pred = np.array([[0, 0, 0, 0]])
    ours = score([truth], [pred], classes=('a', 'b'))
    assert (ours['F1_a'], ours['F1_b']) == (66.67, 0)
    assert ours['mF1'] == pytest.approx(33.33, abs=0.006)
    theirs = score([truth], [pred], ('a', 'b'), kind=IoUMetric, iou_metrics=['mFscore'])
    assert theirs['mFscore'] == pytest.approx(66.67)


def test_a_class_that_nowhere_occurs_does_not_count():
    truth = np.array([[0, 1, 1]])
    scores = score([truth], [truth], classes=('a', 'b', 'c'))
    assert scores['mIoU'] == scores['mF1'] == 100
    assert np.isnan(scores['IoU_c'])


def test_predictions_are_written_as_they_are(tmp_path):
    metric = PerClassIoUMetric(format_only=True, output_dir=str(tmp_path / 'out'))
    metric.dataset_meta = dict(classes=('a', 'b', 'c'))
    pred = torch.tensor([[[0, 1, 2], [2, 2, 0]]])
    metric.process(
        {}, [dict(pred_sem_seg=dict(data=pred), img_path='data/test/4191.png')]
    )
    assert metric.evaluate(1) == {}
    written = np.array(Image.open(tmp_path / 'out/4191.png'))
    np.testing.assert_array_equal(written, pred[0])
