"""Scores of frozen features: equal fits, votes by hand, draws that nest."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from rsp.errors import UserError
from rsp.evaluation import fit_linear
from rsp.evaluation.analysis.protocols import (
    accuracies,
    bench_accuracies,
    bootstrap,
    draw_share,
    held_out,
    majority_vote,
    reduce_rows,
)

K = 3


def two_sets(count=12, channels=5, apart=4.0):
    labels = torch.arange(count) % K
    centers = apart * torch.randn(K, channels)
    return [(centers[labels] + torch.randn(count, channels), labels) for _ in range(2)]


def test_a_classifier_of_more_features_than_images_is_the_same_when_reduced():
    (train, labels), (test, _) = two_sets(channels=40)
    fitted, tested = reduce_rows(train, test)
    assert fitted.shape == (12, 12)
    whole = fit_linear(train, labels, K).logits(test)
    reduced = fit_linear(fitted, labels, K).logits(tested)
    assert_close(reduced, whole, rtol=1e-3, atol=1e-3)


def test_the_majority_of_the_nearest_wins_and_ties_go_to_the_lowest_class():
    train = torch.tensor([[0.0], [1.0], [2.0], [10.0], [11.0]])
    labels = torch.tensor([2, 1, 1, 0, 0])
    test = torch.tensor([[0.1], [10.4]])
    assert majority_vote(train, labels, test, K, 1).tolist() == [2, 0]
    assert majority_vote(train, labels, test, K, 3).tolist() == [1, 0]
    # Two of class 0 and two of class 1 are nearest.
    assert majority_vote(train, labels, torch.tensor([[6.0]]), K, 4).tolist() == [0]


def test_classes_far_apart_are_told_and_shuffled_labels_are_not():
    (train, labels), (test, wanted) = two_sets(60, apart=20.0)
    assert accuracies(train, labels, test, wanted, K) == dict(knn=100, linear=100)
    shuffled = labels[torch.randperm(60)]
    assert accuracies(train, shuffled, test, wanted, K)['linear'] < 80


def test_the_protocol_of_the_bench_has_intervals_around_its_scores():
    (train, labels), (test, wanted) = two_sets(60, apart=1.0)
    found = bench_accuracies(train, labels, test, wanted, K, seed=0)
    for score in found.values():
        assert score['low'] <= score['accuracy'] <= score['high']
    assert 1e-6 <= found['linear']['C'] <= 1e4
    assert found == bench_accuracies(train, labels, test, wanted, K, seed=0)


def test_bootstraps_have_the_width_of_a_binomial():
    is_right = np.arange(400) < 300
    found = bootstrap(is_right, seed=0)
    assert found['accuracy'] == 75
    half = 100 * 1.96 * np.sqrt(0.75 * 0.25 / 400)
    assert (found['high'] - found['low']) / 2 == pytest.approx(half, rel=0.15)


def test_shares_are_of_each_class_nest_and_differ_by_seed():
    labels = np.repeat([0, 1, 2], [100, 40, 5])
    few, more = (draw_share(labels, share, seed=1) for share in (10, 25))
    assert np.bincount(labels[few]).tolist() == [10, 4, 1]
    assert set(few) < set(more)
    assert draw_share(labels, 100, seed=1).tolist() == list(range(145))
    assert few.tolist() != draw_share(labels, 10, seed=2).tolist()
    with pytest.raises(UserError, match='share of the labels'):
        draw_share(labels, 101, seed=0)


def test_validation_images_are_of_each_class():
    labels = np.repeat([0, 1], [10, 5])
    assert np.bincount(labels[held_out(labels, seed=0)]).tolist() == [2, 1]
    with pytest.raises(UserError, match='two training images of each class'):
        held_out(np.array([0, 0, 1]), seed=0)
