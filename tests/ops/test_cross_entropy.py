import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch.testing import assert_close

from rsp.ops.cross_entropy import (
    distillation_cross_entropy,
    kl_divergence,
    reverse_cross_entropy,
    soft_cross_entropy,
)

# Shares of classes (GeoKR) -------------------------------------------------------

LOGITS = st.floats(-8, 8, width=32)


def slow_sum(logits, fractions):
    """The sum as it is printed, class by class."""
    total = 0.0
    for z, y in zip(logits.tolist(), fractions.tolist(), strict=True):
        norm = math.log(sum(math.exp(value) for value in z))
        total -= sum(share * (value - norm) for value, share in zip(z, y, strict=True))
    return total


@settings(max_examples=25, deadline=None)
@given(arrays(float, (3, 5), elements=LOGITS), arrays(float, (3, 5), elements=LOGITS))
def test_the_sum_over_images_and_classes(logits, others):
    logits, fractions = torch.tensor(logits), torch.tensor(others).softmax(1)
    expected = slow_sum(logits, fractions)
    mean = soft_cross_entropy(logits, fractions).item()
    assert mean == pytest.approx(expected / 15, rel=1e-9)
    batchmean = soft_cross_entropy(logits, fractions, 'batchmean').item()
    assert batchmean == pytest.approx(expected / 3, rel=1e-9)


def test_uniform_logits_cost_the_logarithm():
    logits = torch.full((3, 8), 0.7, dtype=torch.float64)
    labels = torch.rand(3, 8, dtype=torch.float64)
    labels = labels / labels.sum(1, keepdim=True)
    assert soft_cross_entropy(logits, labels).item() == pytest.approx(
        0.2599302, abs=1e-7
    )
    summed = soft_cross_entropy(logits, labels, 'batchmean').item()
    assert summed == pytest.approx(2.0794415, abs=1e-7)


def test_one_class_among_eight():
    logits = torch.tensor([[2.0] + [0.0] * 7], dtype=torch.float64)
    label = torch.eye(8, dtype=torch.float64)[:1]
    assert soft_cross_entropy(logits, label).item() == pytest.approx(
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
    logits = torch.randn(2, 4, dtype=torch.float64, requires_grad=True)
    label = torch.tensor([[0.5, 0.5, 0, 0]], dtype=torch.float64)
    alone = soft_cross_entropy(logits[:1], label)
    both = soft_cross_entropy(logits, torch.cat([label, torch.zeros_like(label)]))
    assert_close(both, alone / 2)
    both.backward()
    assert not logits.grad[1].any()
    assert torch.isfinite(logits.grad).all()


@settings(max_examples=25, deadline=None)
@given(arrays(float, (3, 4), elements=LOGITS), arrays(float, (3, 1), elements=LOGITS))
def test_constants_and_orders_change_no_soft_cross_entropy(logits, constant):
    logits = torch.tensor(logits)
    labels = torch.linspace(0.1, 1, 12, dtype=torch.float64).view(3, 4).softmax(1)
    loss = soft_cross_entropy(logits, labels)
    moved = soft_cross_entropy(logits + torch.tensor(constant), labels)
    assert_close(moved, loss, rtol=1e-9, atol=1e-12)
    rows, columns = torch.tensor([2, 0, 1]), torch.tensor([3, 1, 0, 2])
    assert_close(soft_cross_entropy(logits[rows], labels[rows]), loss)
    permuted = soft_cross_entropy(logits[:, columns], labels[:, columns])
    assert_close(permuted, loss)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_keeps_soft_cross_entropy_finite(dtype):
    logits = torch.tensor([[50.0, -50, 0], [-50, -50, 50]], dtype=dtype)
    logits.requires_grad_()
    labels = torch.tensor([[0.0, 1, 0], [0.5, 0.5, 0]], dtype=dtype)
    loss = soft_cross_entropy(logits, labels)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(200 / 6, rel=1e-3)
    loss.backward()
    assert torch.isfinite(logits.grad).all()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        again = soft_cross_entropy(logits, labels)
    assert_close(again, loss)


def test_gradients_of_soft_cross_entropy_are_those_of_differences():
    logits = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    labels = torch.rand(3, 4, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda z: soft_cross_entropy(z, labels), logits)


def test_other_classes_than_logits_are_refused():
    with pytest.raises(ValueError, match=r"shape \(2, 8\).*got \(2, 7\); 'classes' of"):
        soft_cross_entropy(torch.zeros(2, 8), torch.zeros(2, 7))


def test_an_unknown_reduction_is_refused():
    with pytest.raises(ValueError, match=r"one of 'mean', 'batchmean', got 'sum'"):
        soft_cross_entropy(torch.zeros(2, 8), torch.zeros(2, 8), 'sum')


# A centered, sharpened teacher (CMID) ---------------------------------------------


def test_two_prototypes():
    scores = torch.tensor([[0.1, 0.0]], dtype=torch.float64)
    loss = distillation_cross_entropy(scores, scores, torch.zeros(1, 2), 0.1, 0.04)
    assert loss.item() == pytest.approx(0.3891199, abs=1e-7)


def test_a_uniform_student_costs_the_logarithm():
    """Whatever the teacher says."""
    teacher = torch.randn(3, 2048, dtype=torch.float64)
    student = torch.full_like(teacher, 0.3)
    loss = distillation_cross_entropy(student, teacher, torch.zeros(2048), 0.1, 0.04)
    assert loss.item() == pytest.approx(7.6246190, abs=1e-7)


def batch():
    return torch.randn(3, 5, 6, dtype=torch.float64).unbind(0)


def test_constants_change_nothing():
    student, teacher, rows = batch()
    center = rows[:1]
    loss = distillation_cross_entropy(student, teacher, center, 0.1, 0.05)
    for moved in (
        (student + torch.randn(5, 1), teacher, center),
        (student, teacher + 0.7, center + 0.7),
    ):
        assert_close(distillation_cross_entropy(*moved, 0.1, 0.05), loss)


def test_a_center_equal_to_the_teacher_makes_it_uniform():
    student, teacher, _ = batch()
    loss = distillation_cross_entropy(student[:1], teacher[:1], teacher[:1], 0.1, 0.04)
    expected = -(student[:1] / 0.1).log_softmax(1).mean()
    assert_close(loss, expected)


def test_it_equals_the_slow_sums():
    student, teacher, rows = batch()
    total = 0.0
    for s, t in zip(student.tolist(), (teacher - rows[:1]).tolist(), strict=True):
        p = [math.exp(x / 0.05) for x in t]
        q = [math.exp(x / 0.1) for x in s]
        total -= sum(
            a / sum(p) * math.log(b / sum(q)) for a, b in zip(p, q, strict=True)
        )
    loss = distillation_cross_entropy(student, teacher, rows[:1], 0.1, 0.05)
    assert loss.item() == pytest.approx(total / 5)


def test_only_the_student_gets_a_gradient():
    student, teacher, rows = (x.clone().requires_grad_() for x in batch())
    distillation_cross_entropy(student, teacher, rows[:1], 0.1, 0.05).backward()
    assert student.grad is not None
    assert teacher.grad is None
    assert rows.grad is None
    assert torch.autograd.gradcheck(
        lambda s: distillation_cross_entropy(s, teacher, rows[:1], 0.1, 0.05), student
    )


def test_autocast_and_half_logits_are_computed_in_full():
    student, teacher = torch.rand(2, 4, 8) * 2 - 1
    loss = distillation_cross_entropy(student, teacher, torch.zeros(8), 0.1, 0.04)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        half = distillation_cross_entropy(
            student.bfloat16().float(), teacher, torch.zeros(8), 0.1, 0.04
        )
    assert half.dtype == torch.float32
    assert_close(half, loss, rtol=1e-2, atol=1e-2)


# Consistency with a teacher (GeoKR) -----------------------------------------------

BOTH = (reverse_cross_entropy, kl_divergence)


def log(*rows):
    """Scores whose softmax are the given probabilities."""
    return torch.tensor(rows, dtype=torch.float64).log()


def loss_and_gradient(loss, student, teacher):
    student = student.clone().requires_grad_()
    value = loss(student, teacher)
    value.backward()
    return value.item(), student.grad


def test_uniform_student_and_teacher():
    uniform = torch.zeros(3, 8, dtype=torch.float64)
    value = reverse_cross_entropy(uniform, uniform + 0.4).item()
    assert value == pytest.approx(0.2599302, abs=1e-7)
    summed = reverse_cross_entropy(uniform, uniform, 'batchmean').item()
    assert summed == pytest.approx(2.0794415, abs=1e-7)


@pytest.mark.parametrize(
    ('student', 'value', 'gradient'),
    [((0.8, 0.2), 0.2502012, -0.1109035), ((0.5, 0.5), 0.4581454, -0.1732868)],
)
def test_the_published_consistency_pulls_towards_the_teachers_favorite(
    student, value, gradient
):
    teacher = log((0.8, 0.2))
    loss, grad = loss_and_gradient(reverse_cross_entropy, log(student), teacher)
    assert loss == pytest.approx(value, abs=1e-7)
    assert_close(
        grad, torch.tensor([[gradient, -gradient]]).double(), atol=1e-7, rtol=0
    )


def test_the_true_divergence_is_at_rest_where_both_agree():
    scores = log((0.8, 0.2))
    loss, grad = loss_and_gradient(kl_divergence, scores + 5, scores)
    assert loss == pytest.approx(0, abs=1e-15)
    assert_close(grad, torch.zeros(1, 2).double(), atol=1e-15, rtol=0)
    # .8 log(.8/.5) + .2 log(.2/.5), the mean over two classes is its half.
    expected = 0.8 * math.log(1.6) + 0.2 * math.log(0.4)
    value, _ = loss_and_gradient(kl_divergence, log((0.5, 0.5)), scores)
    assert value == pytest.approx(expected / 2)


def test_the_true_divergence_is_torchs():
    student, teacher = torch.randn(2, 4, 6, dtype=torch.float64)
    expected = torch.nn.functional.kl_div(
        student.log_softmax(1),
        teacher.log_softmax(1),
        reduction='sum',
        log_target=True,
    )
    assert_close(kl_divergence(student, teacher), expected / 24)
    batchmean = kl_divergence(student, teacher, 'batchmean')
    assert_close(batchmean, expected / 4)


def test_a_student_sure_of_the_teachers_favorite_is_the_least():
    teacher = torch.randn(5, 8, dtype=torch.float64)
    least = -teacher.log_softmax(1).max(1).values
    sure = 1e3 * torch.nn.functional.one_hot(teacher.argmax(1), 8).double()
    assert_close(reverse_cross_entropy(sure, teacher) * 8, least.mean())
    for seed in range(5):
        student = torch.randn(5, 8, generator=torch.Generator().manual_seed(seed))
        assert reverse_cross_entropy(student.double(), teacher) * 8 > least.mean()


@pytest.mark.parametrize('loss', BOTH)
def test_constants_and_orders_change_no_consistency(loss):
    student, teacher = torch.randn(2, 3, 4, dtype=torch.float64)
    value = loss(student, teacher)
    for order in (lambda z: z[[2, 0, 1]], lambda z: z[:, [3, 1, 0, 2]]):
        assert_close(loss(order(student), order(teacher)), value)
    shift = torch.randn(3, 1, dtype=torch.float64)
    assert_close(loss(student + shift, teacher - 2 * shift), value)


@pytest.mark.parametrize('loss', BOTH)
def test_no_gradient_reaches_the_teacher(loss):
    student, teacher = torch.randn(2, 3, 4, requires_grad=True).unbind(0)
    teacher.retain_grad()
    loss(student, teacher).backward()
    assert teacher.grad is None


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
@pytest.mark.parametrize('loss', BOTH)
def test_half_precision_keeps_consistency_finite(loss, dtype):
    student = torch.tensor([[50.0, -50, 0], [-50, -50, 50]], dtype=dtype)
    value, grad = loss_and_gradient(loss, student, student.flip(0))
    assert value == pytest.approx((100 + 50) / 6, rel=1e-6)
    assert torch.isfinite(grad).all()


@pytest.mark.parametrize('loss', BOTH)
def test_gradients_of_the_consistency_are_those_of_differences(loss):
    student, teacher = torch.randn(2, 3, 4, dtype=torch.float64)
    student.requires_grad_()
    assert torch.autograd.gradcheck(lambda z: loss(z, teacher), student)
