import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch.testing import assert_close

from rsp.ops.soft_labels import soft_cross_entropy

LOGITS = st.floats(-8, 8, width=32)


def slow(scores, fractions):
    """The sum as it is printed, class by class."""
    total = 0.0
    for z, y in zip(scores.tolist(), fractions.tolist(), strict=True):
        norm = math.log(sum(math.exp(value) for value in z))
        total -= sum(share * (value - norm) for value, share in zip(z, y, strict=True))
    return total


@settings(max_examples=25, deadline=None)
@given(arrays(float, (3, 5), elements=LOGITS), arrays(float, (3, 5), elements=LOGITS))
def test_the_sum_over_images_and_classes(scores, others):
    scores, fractions = torch.tensor(scores), torch.tensor(others).softmax(1)
    expected = slow(scores, fractions)
    mean = soft_cross_entropy(scores, fractions).item()
    assert mean == pytest.approx(expected / 15, rel=1e-9)
    batchmean = soft_cross_entropy(scores, fractions, 'batchmean').item()
    assert batchmean == pytest.approx(expected / 3, rel=1e-9)


def test_a_uniform_student_costs_the_logarithm():
    scores = torch.full((3, 8), 0.7, dtype=torch.float64)
    labels = torch.rand(3, 8, dtype=torch.float64)
    labels = labels / labels.sum(1, keepdim=True)
    assert soft_cross_entropy(scores, labels).item() == pytest.approx(
        0.2599302, abs=1e-7
    )
    summed = soft_cross_entropy(scores, labels, 'batchmean').item()
    assert summed == pytest.approx(2.0794415, abs=1e-7)


def test_one_class_among_eight():
    scores = torch.tensor([[2.0] + [0.0] * 7], dtype=torch.float64)
    label = torch.eye(8, dtype=torch.float64)[:1]
    assert soft_cross_entropy(scores, label).item() == pytest.approx(
        0.0833085, abs=1e-7
    )


def test_the_entropy_of_the_label_is_the_least():
    label = torch.tensor([[0.75, 0.25]], dtype=torch.float64)
    least = soft_cross_entropy(label.log() + 3.0, label).item() * 2
    assert least == pytest.approx(0.5623351, abs=1e-7)
    for shift in (-0.3, 1e-3, 0.7):
        moved = label.log() + torch.tensor([[shift, 0.0]])
        assert soft_cross_entropy(moved, label).item() * 2 > least


def test_an_image_without_label_adds_nothing():
    scores = torch.randn(2, 4, dtype=torch.float64, requires_grad=True)
    label = torch.tensor([[0.5, 0.5, 0, 0]], dtype=torch.float64)
    alone = soft_cross_entropy(scores[:1], label)
    both = soft_cross_entropy(scores, torch.cat([label, torch.zeros_like(label)]))
    assert_close(both, alone / 2)
    both.backward()
    assert not scores.grad[1].any()
    assert torch.isfinite(scores.grad).all()


@settings(max_examples=25, deadline=None)
@given(arrays(float, (3, 4), elements=LOGITS), arrays(float, (3, 1), elements=LOGITS))
def test_constants_and_orders_change_nothing(scores, constant):
    scores = torch.tensor(scores)
    labels = torch.linspace(0.1, 1, 12, dtype=torch.float64).view(3, 4).softmax(1)
    loss = soft_cross_entropy(scores, labels)
    moved = soft_cross_entropy(scores + torch.tensor(constant), labels)
    assert_close(moved, loss, rtol=1e-9, atol=1e-12)
    rows, columns = torch.tensor([2, 0, 1]), torch.tensor([3, 1, 0, 2])
    assert_close(soft_cross_entropy(scores[rows], labels[rows]), loss)
    permuted = soft_cross_entropy(scores[:, columns], labels[:, columns])
    assert_close(permuted, loss)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_stays_finite(dtype):
    scores = torch.tensor([[50.0, -50, 0], [-50, -50, 50]], dtype=dtype)
    scores.requires_grad_()
    labels = torch.tensor([[0.0, 1, 0], [0.5, 0.5, 0]], dtype=dtype)
    loss = soft_cross_entropy(scores, labels)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(200 / 6, rel=1e-3)
    loss.backward()
    assert torch.isfinite(scores.grad).all()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        again = soft_cross_entropy(scores, labels)
    assert_close(again, loss)


def test_gradients_are_those_of_differences():
    scores = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    labels = torch.rand(3, 4, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda z: soft_cross_entropy(z, labels), scores)


def test_other_classes_than_scores_are_refused():
    with pytest.raises(ValueError, match=r"shape \(2, 8\).*got \(2, 7\); 'classes' of"):
        soft_cross_entropy(torch.zeros(2, 8), torch.zeros(2, 7))


def test_an_unknown_reduction_is_refused():
    with pytest.raises(ValueError, match=r"one of \('mean', 'batchmean'\), got 'sum'"):
        soft_cross_entropy(torch.zeros(2, 8), torch.zeros(2, 8), 'sum')
