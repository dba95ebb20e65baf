"""Counting what was found."""

import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger

from rsp.tasks.change_detection import ChangeMetric


def sample(predicted, truth):
    return dict(
        pred_sem_seg=dict(data=torch.tensor(predicted)[None]),
        gt_sem_seg=dict(data=torch.tensor(truth)[None]),
    )


def random_samples(count, seed=0):
    rng = np.random.default_rng(seed)
    shape = (count, 6, 5)
    truth = (rng.random(shape) < 0.3).astype(int)
    truth[rng.random(shape) < 0.1] = 255
    found = (rng.random(shape) < 0.4).astype(int)
    return [sample(f, t) for f, t in zip(found, truth, strict=True)]


def change_metric():
    metric = ChangeMetric()
    metric.dataset_meta = dict(classes=('unchanged', 'changed'))
    return metric


def evaluate(samples, batch_size=2):
    metric = change_metric()
    for start in range(0, len(samples), batch_size):
        metric.process(None, samples[start : start + batch_size])
    return metric.evaluate(len(samples))


def test_scores_worked_out_by_hand():
    """6 hits, 2 misses, 4 false alarms, 8 of the rest, 3 ignored."""
    truth = [1] * 6 + [1] * 2 + [0] * 4 + [0] * 8 + [255] * 3
    found = [1] * 6 + [0] * 2 + [1] * 4 + [0] * 8 + [1, 0, 1]
    scores = evaluate([sample([found], [truth])])
    expected = dict(F1=200 / 3, IoU=50, precision=60, recall=75, accuracy=70)
    for name, value in expected.items():
        assert scores[f'change/{name}'] == pytest.approx(value)


def test_counts_beyond_float32_are_exact():
    """2**24 pixels and one more, which float32 cannot hold."""
    metric = change_metric()
    areas = [torch.tensor([[0.0, n], [1, n], [0, n], [1, n]]) for n in (2.0**24, 1)]
    scores = metric.compute_metrics([((0, 0), a) for a in areas])
    assert scores['accuracy'] == 100 * (2**24 + 1) / (2**24 + 3)


def test_the_score_is_that_of_all_pixels_at_once():
    """One confusion matrix over the set, against sets of pixel positions."""
    samples = random_samples(5)
    truth = torch.cat([s['gt_sem_seg']['data'].flatten() for s in samples]).numpy()
    found = torch.cat([s['pred_sem_seg']['data'].flatten() for s in samples]).numpy()
    true = {i for i, t in enumerate(truth) if t == 1}
    positive = {i for i, f in enumerate(found) if f == 1 and truth[i] != 255}
    both = len(true & positive)
    precision, recall = both / len(positive), both / len(true)
    scores = evaluate(samples)
    assert scores['change/precision'] == pytest.approx(100 * precision)
    assert scores['change/recall'] == pytest.approx(100 * recall)
    assert scores['change/IoU'] == pytest.approx(100 * both / len(true | positive))
    f1 = 2 * precision * recall / (precision + recall)
    assert scores['change/F1'] == pytest.approx(100 * f1)
    known = truth != 255
    right = (truth == found)[known].mean()
    assert scores['change/accuracy'] == pytest.approx(100 * right)


def test_the_batch_size_moves_the_batch_mean_alone():
    samples = random_samples(4)
    ones, twos = evaluate(samples, 1), evaluate(samples, 2)
    assert ones['change/F1'] == twos['change/F1']
    assert ones['change/F1_batch_mean'] != twos['change/F1_batch_mean']
    pairs = [evaluate(samples[i : i + 2])['change/F1'] for i in (0, 2)]
    assert twos['change/F1_batch_mean'] == pytest.approx(np.mean(pairs))
    assert evaluate(samples, 4)['change/F1_batch_mean'] == ones['change/F1']


def test_trivial_predictions():
    truth = np.zeros((5, 4), int)
    truth[0] = 1
    everything = evaluate([sample(np.ones((5, 4), int), truth)])
    assert everything['change/IoU'] == pytest.approx(20)  # the prior
    assert everything['change/F1'] == pytest.approx(100 / 3)  # 2 p / (1 + p)
    nothing = evaluate([sample(np.zeros((5, 4), int), truth)])
    assert nothing['change/F1'] == nothing['change/precision'] == 0
    assert nothing['change/accuracy'] == 80
    assert evaluate([sample(truth, truth)])['change/F1'] == 100


def test_a_truth_without_change_is_told(caplog):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    scores = evaluate([sample(np.zeros((2, 2), int), np.zeros((2, 2), int))])
    logger.removeHandler(caplog.handler)
    assert 'None of the 1 images holds a changed pixel' in caplog.text
    assert scores['change/F1'] == 0


def test_a_missing_truth_and_another_size_are_refused():
    bare = sample([[1]], [[1]])
    del bare['gt_sem_seg']
    with pytest.raises(ValueError, match=r"'a.png'; add rsp.LoadChangeAnnotations"):
        change_metric().process(None, [bare | dict(img_path='a.png')])
    with pytest.raises(ValueError, match=r'\(1, 1, 1\), got \(1, 1, 2\)'):
        change_metric().process(None, [sample([[1, 0]], [[1]])])


def evaluate_on_rank(count):
    """Score this rank's share, dealt and padded as by mmengine's sampler."""
    rank = torch.distributed.get_rank()
    samples = random_samples(count)
    padded = [*samples, *samples][: -(-count // 2) * 2]
    metric = change_metric()
    mine = padded[rank::2]
    for start in range(0, len(mine), 2):
        metric.process(None, mine[start : start + 2])
    return metric.evaluate(count)


@pytest.mark.dist
def test_two_ranks_score_as_one_though_an_image_is_repeated(gloo):
    alone = evaluate(random_samples(5))
    for scores in gloo(evaluate_on_rank, 5):
        for name in ('F1', 'IoU', 'precision', 'recall', 'accuracy'):
            assert scores[f'change/{name}'] == alone[f'change/{name}']
