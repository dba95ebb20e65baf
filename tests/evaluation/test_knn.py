import math

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from rsp.evaluation.knn import KNNProbe, knn_scores


def setting(bank=40, queries=13, width=6, classes=4):
    return (
        torch.randn(bank, width).double(),
        torch.randint(classes, (bank,)),
        torch.randn(queries, width).double(),
        classes,
    )


@pytest.mark.parametrize('k', [1, 3, 20, 40])
@pytest.mark.parametrize('temperature', [0.07, 1.0])
def test_scores_equal_the_slow_oracle(k, temperature):
    bank, labels, queries, classes = setting()
    scores = knn_scores(bank, labels, queries, classes, k, temperature)
    expected = slow_knn(bank, labels, queries, classes, k, temperature)
    assert_close(scores, torch.from_numpy(expected))


def test_two_neighbors_give_the_closed_form():
    bank = torch.tensor([[1.0, 0.0], [0.0, 2.0], [-1.0, 0.0]])
    scores = knn_scores(
        bank, torch.tensor([0, 1, 1]), torch.tensor([[3.0, 0.0]]), 2, 2, 0.5
    )
    share = 1 / (1 + math.exp(-1 / 0.5))  # cosines 1 and 0
    assert_close(scores, torch.tensor([[share, 1 - share]]))


def test_chunks_change_nothing():
    bank, labels, queries, classes = setting()
    whole = knn_scores(bank, labels, queries, classes)
    assert_close(knn_scores(bank, labels, queries, classes, chunk_size=5), whole)


def test_rotating_and_scaling_all_features_changes_nothing():
    bank, labels, queries, classes = setting()
    rotation = torch.linalg.qr(torch.randn(6, 6).double()).Q
    assert_close(
        knn_scores(7 * bank @ rotation, labels, 0.1 * queries @ rotation, classes),
        knn_scores(bank, labels, queries, classes),
    )


def test_renaming_classes_renames_scores():
    bank, labels, queries, classes = setting()
    renamed = torch.tensor([2, 0, 3, 1])
    scores = knn_scores(bank, renamed[labels], queries, classes)
    assert_close(scores[:, renamed], knn_scores(bank, labels, queries, classes))


def test_the_order_of_the_bank_does_not_matter():
    bank, labels, queries, classes = setting()
    order = torch.randperm(len(bank))
    assert_close(
        knn_scores(bank[order], labels[order], queries, classes),
        knn_scores(bank, labels, queries, classes),
    )


def test_a_class_without_neighbors_gets_no_vote():
    bank, labels, queries, _ = setting(classes=3)
    scores = knn_scores(bank, labels, queries, 5)
    assert_close(scores[:, 3:], torch.zeros(len(queries), 2).double())
    assert_close(scores.sum(dim=1), torch.ones(len(queries)).double())


def test_a_tiny_temperature_does_not_overflow():
    bank, labels, queries, classes = setting()
    cold = knn_scores(bank.float(), labels, queries.float(), classes, 20, 1e-4)
    nearest = knn_scores(bank.float(), labels, queries.float(), classes, 1)
    assert (cold.argmax(dim=1) == nearest.argmax(dim=1)).all()


def test_well_separated_classes_are_all_found():
    train_labels, test_labels = torch.arange(60) % 3, torch.arange(12) % 3
    centers = 10 * torch.eye(3, 6)
    train = centers[train_labels] + 0.1 * torch.randn(60, 6)
    test = centers[test_labels] + 0.1 * torch.randn(12, 6)
    scores = KNNProbe()(train, train_labels, test, 3)
    assert (scores.argmax(dim=1) == test_labels).all()


@pytest.mark.parametrize('k', [0, 41])
def test_more_neighbors_than_images_are_refused(k):
    bank, labels, queries, classes = setting()
    with pytest.raises(ValueError, match=rf'between 1 and 40, got {k}'):
        knn_scores(bank, labels, queries, classes, k)


def test_a_temperature_of_zero_is_refused():
    with pytest.raises(ValueError, match=r'temperature above 0, got 0'):
        knn_scores(*setting(), temperature=0)


@pytest.mark.parametrize('label', [-1, 4])
def test_a_label_out_of_range_is_refused(label):
    bank, labels, queries, classes = setting()
    labels[3] = label
    with pytest.raises(ValueError, match=rf'labels between 0 and 3, got {label}'):
        knn_scores(bank, labels, queries, classes)


def slow_knn(bank, labels, queries, classes, k, temperature):
    """One query, one neighbor, one class at a time."""
    bank, labels, queries = bank.numpy(), labels.numpy(), queries.numpy()
    scores = np.zeros((len(queries), classes))
    for n, query in enumerate(queries):
        cosines = [
            query @ other / np.linalg.norm(query) / np.linalg.norm(other)
            for other in bank
        ]
        for i in sorted(range(len(bank)), key=lambda i: -cosines[i])[:k]:
            scores[n, labels[i]] += math.exp(cosines[i] / temperature)
    return scores / scores.sum(axis=1, keepdims=True)
