import math

import pytest
import torch
from torch.testing import assert_close

from rsp.ops.distillation import sharpened_cross_entropy


def test_two_prototypes():
    """Property 26."""
    scores = torch.tensor([[0.1, 0.0]], dtype=torch.float64)
    loss = sharpened_cross_entropy(scores, scores, torch.zeros(1, 2), 0.1, 0.04)
    assert loss.item() == pytest.approx(0.3891199, abs=1e-7)


def test_a_uniform_student_costs_the_logarithm():
    """Property 26: whatever the teacher says."""
    teacher = torch.randn(3, 2048, dtype=torch.float64)
    student = torch.full_like(teacher, 0.3)
    loss = sharpened_cross_entropy(student, teacher, torch.zeros(2048), 0.1, 0.04)
    assert loss.item() == pytest.approx(7.6246190, abs=1e-7)


def batch():
    return torch.randn(3, 5, 6, dtype=torch.float64).unbind(0)


def test_constants_change_nothing():
    """Property 27."""
    student, teacher, rows = batch()
    centre = rows[:1]
    loss = sharpened_cross_entropy(student, teacher, centre, 0.1, 0.05)
    for moved in (
        (student + torch.randn(5, 1), teacher, centre),
        (student, teacher + 0.7, centre + 0.7),
    ):
        assert_close(sharpened_cross_entropy(*moved, 0.1, 0.05), loss)


def test_a_centre_equal_to_the_teacher_makes_it_uniform():
    """Property 27."""
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
    """Property 47."""
    student, teacher = torch.rand(2, 4, 8) * 2 - 1
    loss = sharpened_cross_entropy(student, teacher, torch.zeros(8), 0.1, 0.04)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        half = sharpened_cross_entropy(
            student.bfloat16().float(), teacher, torch.zeros(8), 0.1, 0.04
        )
    assert half.dtype == torch.float32
    assert_close(half, loss, rtol=1e-2, atol=1e-2)
