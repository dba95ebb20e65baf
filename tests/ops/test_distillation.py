import math

import pytest
import torch
from torch.testing import assert_close

from rsp.ops.distillation import (
    divergence_from_teacher,
    sharpened_cross_entropy,
    student_expectation,
)


def test_two_prototypes():
    scores = torch.tensor([[0.1, 0.0]], dtype=torch.float64)
    loss = sharpened_cross_entropy(scores, scores, torch.zeros(1, 2), 0.1, 0.04)
    assert loss.item() == pytest.approx(0.3891199, abs=1e-7)


def test_a_uniform_student_costs_the_logarithm():
    """Whatever the teacher says."""
    teacher = torch.randn(3, 2048, dtype=torch.float64)
    student = torch.full_like(teacher, 0.3)
    loss = sharpened_cross_entropy(student, teacher, torch.zeros(2048), 0.1, 0.04)
    assert loss.item() == pytest.approx(7.6246190, abs=1e-7)


def batch():
    return torch.randn(3, 5, 6, dtype=torch.float64).unbind(0)


def test_constants_change_nothing():
    student, teacher, rows = batch()
    centre = rows[:1]
    loss = sharpened_cross_entropy(student, teacher, centre, 0.1, 0.05)
    for moved in (
        (student + torch.randn(5, 1), teacher, centre),
        (student, teacher + 0.7, centre + 0.7),
    ):
        assert_close(sharpened_cross_entropy(*moved, 0.1, 0.05), loss)


def test_a_centre_equal_to_the_teacher_makes_it_uniform():
    student, teacher, _ = batch()
    loss = sharpened_cross_entropy(student[:1], teacher[:1], teacher[:1], 0.1, 0.04)
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
    loss = sharpened_cross_entropy(student, teacher, rows[:1], 0.1, 0.05)
    assert loss.item() == pytest.approx(total / 5)


def test_only_the_student_gets_a_gradient():
    student, teacher, rows = (x.clone().requires_grad_() for x in batch())
    sharpened_cross_entropy(student, teacher, rows[:1], 0.1, 0.05).backward()
    assert student.grad is not None
    assert teacher.grad is None
    assert rows.grad is None
    assert torch.autograd.gradcheck(
        lambda s: sharpened_cross_entropy(s, teacher, rows[:1], 0.1, 0.05), student
    )


def test_autocast_and_half_scores_are_computed_in_full():
    student, teacher = torch.rand(2, 4, 8) * 2 - 1
    loss = sharpened_cross_entropy(student, teacher, torch.zeros(8), 0.1, 0.04)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        half = sharpened_cross_entropy(
            student.bfloat16().float(), teacher, torch.zeros(8), 0.1, 0.04
        )
    assert half.dtype == torch.float32
    assert_close(half, loss, rtol=1e-2, atol=1e-2)


# Consistency with a teacher (GeoKR) -----------------------------------------------

BOTH = (student_expectation, divergence_from_teacher)


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
    value = student_expectation(uniform, uniform + 0.4).item()
    assert value == pytest.approx(0.2599302, abs=1e-7)
    summed = student_expectation(uniform, uniform, 'batchmean').item()
    assert summed == pytest.approx(2.0794415, abs=1e-7)


@pytest.mark.parametrize(
    ('student', 'value', 'gradient'),
    [((0.8, 0.2), 0.2502012, -0.1109035), ((0.5, 0.5), 0.4581454, -0.1732868)],
)
def test_the_published_consistency_pulls_towards_the_teachers_favourite(
    student, value, gradient
):
    teacher = log((0.8, 0.2))
    loss, grad = loss_and_gradient(student_expectation, log(student), teacher)
    assert loss == pytest.approx(value, abs=1e-7)
    assert_close(
        grad, torch.tensor([[gradient, -gradient]]).double(), atol=1e-7, rtol=0
    )


def test_the_true_divergence_is_at_rest_where_both_agree():
    scores = log((0.8, 0.2))
    loss, grad = loss_and_gradient(divergence_from_teacher, scores + 5, scores)
    assert loss == pytest.approx(0, abs=1e-15)
    assert_close(grad, torch.zeros(1, 2).double(), atol=1e-15, rtol=0)
    # .8 log(.8/.5) + .2 log(.2/.5), the mean over two classes is its half.
    expected = 0.8 * math.log(1.6) + 0.2 * math.log(0.4)
    value, _ = loss_and_gradient(divergence_from_teacher, log((0.5, 0.5)), scores)
    assert value == pytest.approx(expected / 2)


def test_the_true_divergence_is_torchs():
    student, teacher = torch.randn(2, 4, 6, dtype=torch.float64)
    expected = torch.nn.functional.kl_div(
        student.log_softmax(1),
        teacher.log_softmax(1),
        reduction='sum',
        log_target=True,
    )
    assert_close(divergence_from_teacher(student, teacher), expected / 24)
    batchmean = divergence_from_teacher(student, teacher, 'batchmean')
    assert_close(batchmean, expected / 4)


def test_a_student_sure_of_the_teachers_favourite_is_the_least():
    teacher = torch.randn(5, 8, dtype=torch.float64)
    least = -teacher.log_softmax(1).max(1).values
    sure = 1e3 * torch.nn.functional.one_hot(teacher.argmax(1), 8).double()
    assert_close(student_expectation(sure, teacher) * 8, least.mean())
    for seed in range(5):
        student = torch.randn(5, 8, generator=torch.Generator().manual_seed(seed))
        assert student_expectation(student.double(), teacher) * 8 > least.mean()


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
