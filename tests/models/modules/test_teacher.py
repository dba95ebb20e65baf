import copy

import pytest
import torch
from mmengine.model import ExponentialMovingAverage
from torch import nn
from torch.testing import assert_close

from rsp.models.modules import Teacher
from rsp.models.modules.teacher import update_average


def student_of(value=1.0):
    """A student whose every parameter has one value."""
    student = nn.ModuleDict(
        dict(
            backbone=nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)),
            neck=nn.Linear(4, 2),
        )
    ).double()
    for parameter in student.parameters():
        nn.init.constant_(parameter, value)
    return student


def teacher_of(value, **kwargs):
    return Teacher(student_of(value), **kwargs)


@pytest.mark.parametrize(
    ('momentum', 'updates', 'value'),
    [
        (0.001, 1, 0.001),
        (0.001, 10, 0.0099551),
        (0.001, 100, 0.0952079),
        (0.001, 693, 0.5001),
        (0.001, 1000, 0.6323046),
        (0.004, 100, 0.3302174),
    ],
)
def test_updates_follow_the_closed_form(momentum, updates, value):
    """From 0 towards a student at 1, after s updates 1 - m^s."""
    teacher, student = teacher_of(0.0, momentum=momentum), student_of(1.0)
    for _ in range(updates):
        teacher.update_parameters(student)
    for parameter in teacher.parameters():
        assert parameter.min() == parameter.max()
        assert parameter.max().item() == pytest.approx(value, abs=5e-5)
        assert parameter.max().item() == pytest.approx(
            1 - (1 - momentum) ** updates, abs=1e-12
        )
    assert teacher.steps.item() == updates


def test_a_moving_student_is_averaged_in_order():
    """theta_k(s) = m^s theta_k(0) + (1 - m) sum_j m^(s-1-j) theta_q(j)."""
    momentum, students = 0.1, [2.0, -1.0, 0.5]
    teacher = teacher_of(4.0, momentum=momentum)
    for value in students:
        teacher.update_parameters(student_of(value))
    keep = 1 - momentum
    expected = keep**3 * 4 + momentum * sum(
        keep ** (2 - j) * value for j, value in enumerate(students)
    )
    assert_close(
        teacher.module['neck'].weight,
        torch.full((2, 4), expected, dtype=torch.float64),
    )


@pytest.mark.parametrize(('momentum', 'value'), [(0.0, 0.0), (1.0, 1.0)])
def test_the_extremes_keep_or_copy(momentum, value):
    teacher = teacher_of(0.0, momentum=momentum)
    teacher.update_parameters(student_of(1.0))
    assert {p.unique().item() for p in teacher.parameters()} == {value}


def test_buffers_are_the_teachers_own():
    """Statistics come from the teacher's batches, not by averaging."""
    teacher, student = teacher_of(0.0, momentum=1.0), student_of(1.0)
    student['backbone'][1].running_mean.fill_(7)
    teacher.update_parameters(student)
    assert teacher.module['backbone'][1].running_mean.tolist() == [0] * 4


def test_a_frozen_part_stays():
    teacher = teacher_of(0.0, momentum=0.5, frozen=['neck'])
    teacher.update_parameters(student_of(1.0))
    assert teacher.module['neck'].weight.unique().tolist() == [0.0]
    assert teacher.module['backbone'][0].weight.unique().tolist() == [0.5]


def test_it_never_gets_a_gradient():
    teacher = teacher_of(0.3)
    assert all(not p.requires_grad for p in teacher.parameters())


def test_it_is_a_copy_and_copies_again():
    student = student_of(1.0)
    teacher = Teacher(student)
    nn.init.constant_(student['neck'].weight, 3.0)
    student['backbone'][1].running_mean.fill_(7)
    assert teacher.module['neck'].weight.unique().tolist() == [1.0]
    teacher.copy_from(student)
    for name, tensor in student.state_dict().items():
        assert torch.equal(teacher.module.state_dict()[name], tensor)


def test_the_state_survives_a_round_trip():
    teacher = teacher_of(0.0, momentum=0.1)
    teacher.update_parameters(student_of(1.0))
    other = teacher_of(5.0, momentum=0.1)
    other.load_state_dict(teacher.state_dict())
    for one in (teacher, other):
        one.update_parameters(student_of(2.0))
    for mine, theirs in zip(other.parameters(), teacher.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    assert other.steps.item() == 2


@pytest.mark.parametrize('momentum', [-0.1, 1.1])
def test_a_momentum_outside_its_range_is_refused(momentum):
    with pytest.raises(ValueError, match=f'between 0 and 1, got {momentum}'):
        teacher_of(0.0, momentum=momentum)


def test_an_unknown_frozen_part_is_refused():
    with pytest.raises(ValueError, match=r"one of 'backbone', 'neck', got 'head'"):
        teacher_of(0.0, frozen=['head'])


def network():
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Flatten())


@pytest.mark.parametrize('momentum', [0.001, 0.5])
def test_it_moves_as_that_of_mmengine(momentum):
    student = network()
    theirs = ExponentialMovingAverage(network(), momentum)
    ours = copy.deepcopy(theirs)
    for step in range(4):
        with torch.no_grad():
            for parameter in student.parameters():
                parameter.add_(torch.randn_like(parameter))
        student(torch.randn(5, 3, 2, 2))
        theirs.update_parameters(student)
        update_average(ours, student, copy=step == 0)
        for name, tensor in theirs.state_dict().items():
            assert torch.equal(ours.state_dict()[name], tensor), name
    assert ours.steps == 4
    assert not torch.equal(ours.module[0].weight, student[0].weight)
