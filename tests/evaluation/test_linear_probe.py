import math

import pytest
import torch
from torch.testing import assert_close

from rsp.evaluation.linear_probe import (
    LinearClassifier,
    LinearProbe,
    fit_linear,
    penalized_loss,
)


def setting(images=60, width=5, classes=3):
    labels = torch.arange(images) % classes
    features = torch.randn(images, width).double()
    features[:, :classes] += torch.eye(classes).double()[labels]
    return features, labels, classes


def test_the_loss_equals_the_sum_written_out():
    features, labels, classes = setting(images=4)
    classifier = LinearClassifier(
        torch.randn(classes, 5).double(), torch.randn(classes).double()
    )
    expected = 0.0
    for x, y in zip(features, labels, strict=True):
        logits = [float(w @ x + b) for w, b in zip(*classifier, strict=True)]
        expected += math.log(sum(math.exp(z) for z in logits)) - logits[y]
    expected = expected / 4 + 0.3 / 2 * float((classifier.weight**2).sum())
    loss = penalized_loss(classifier, features, labels, l2=0.3)
    assert loss.item() == pytest.approx(expected)


def test_the_gradient_vanishes_at_the_fit():
    """Written out by hand: (softmax - one-hot) times features, plus the penalty."""
    features, labels, classes = setting()
    weight, bias = fit_linear(features, labels, classes, l2=0.01)
    wrong = (features @ weight.T + bias).softmax(dim=1)
    wrong = wrong - torch.eye(classes).double()[labels]
    slope = wrong.T @ features / len(features) + 0.01 * weight
    assert slope.abs().max() < 1e-6
    assert wrong.mean(dim=0).abs().max() < 1e-6


def test_two_points_give_the_closed_form():
    """x = -1 and 1: by symmetry w = (-v, v) with l2 v = sigmoid(-2 v) / 1."""
    features = torch.tensor([[-1.0], [1.0]])
    weight, bias = fit_linear(features, torch.tensor([0, 1]), 2, l2=0.1)
    v = weight[1, 0].item()
    assert_close(weight[0, 0].item(), -v)
    assert_close(bias, torch.zeros(2).double(), atol=1e-6, rtol=0)
    assert 0.1 * v == pytest.approx(1 / (1 + math.exp(2 * v)), abs=1e-5)


def test_gradient_descent_finds_nothing_better():
    features, labels, classes = setting()
    best = penalized_loss(fit_linear(features, labels, classes), features, labels, 1e-3)
    slow = LinearClassifier(
        torch.zeros(classes, 5).double().requires_grad_(),
        torch.zeros(classes).double().requires_grad_(),
    )
    optimizer = torch.optim.SGD(slow, lr=0.5)
    for _ in range(3000):
        optimizer.zero_grad()
        loss = penalized_loss(slow, features, labels, 1e-3)
        loss.backward()
        optimizer.step()
    assert best <= loss + 1e-9
    assert_close(best, loss.detach(), atol=1e-4, rtol=0)


def test_uninformative_features_give_the_class_shares():
    labels = torch.tensor([0, 0, 0, 1])
    scores = fit_linear(torch.zeros(4, 2), labels, 2).logits(torch.randn(5, 2))
    assert_close(
        scores.softmax(dim=1), torch.tensor([[0.75, 0.25]]).double().expand(5, 2)
    )


def test_separable_classes_are_all_found():
    train_labels, test_labels = torch.arange(40) % 4, torch.arange(12) % 4
    centers = 5 * torch.eye(4, 8)
    train = centers[train_labels] + 0.1 * torch.randn(40, 8)
    test = centers[test_labels] + 0.1 * torch.randn(12, 8)
    scores = LinearProbe()(train, train_labels, test, 4)
    assert (scores.argmax(dim=1) == test_labels).all()


def test_renaming_classes_renames_scores():
    features, labels, classes = setting()
    renamed = torch.tensor([2, 0, 1])
    scores = fit_linear(features, renamed[labels], classes).logits(features)
    expected = fit_linear(features, labels, classes).logits(features)
    assert_close(scores[:, renamed], expected, atol=1e-3, rtol=1e-3)


def test_rotating_the_features_changes_no_score():
    """The penalty is a norm, so no direction of feature space is preferred."""
    features, labels, classes = setting()
    rotation = torch.linalg.qr(torch.randn(5, 5).double()).Q
    turned = fit_linear(features @ rotation, labels, classes)
    assert_close(
        turned.logits(features @ rotation),
        fit_linear(features, labels, classes).logits(features),
        atol=1e-3,
        rtol=1e-3,
    )


def test_the_same_data_give_the_same_bits():
    features, labels, classes = setting()
    one, two = (fit_linear(features, labels, classes) for _ in range(2))
    assert torch.equal(one.weight, two.weight)


def test_fitting_works_where_gradients_are_off():
    features, labels, classes = setting()
    with torch.no_grad():
        weight, _ = fit_linear(features, labels, classes)
    assert weight.abs().max() > 0
    assert not weight.requires_grad


def test_a_class_without_training_image_is_named():
    with pytest.raises(ValueError, match=r'no training image of class \[1, 3\]'):
        fit_linear(torch.randn(4, 2), torch.tensor([0, 2, 4, 4]), 5)


@pytest.mark.parametrize('label', [-1, 3])
def test_a_label_out_of_range_is_refused(label):
    features, labels, classes = setting()
    labels[7] = label
    with pytest.raises(ValueError, match=rf'labels between 0 and 2, got {label}'):
        fit_linear(features, labels, classes)


def test_no_penalty_is_refused():
    with pytest.raises(ValueError, match='l2 above 0, got 0'):
        fit_linear(*setting(), l2=0)


def test_an_unfinished_fit_warns():
    with pytest.warns(UserWarning, match='stopped at slope .* after 1 steps'):
        fit_linear(*setting(), l2=1e-6, max_iter=1)
