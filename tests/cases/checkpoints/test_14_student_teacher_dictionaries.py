"""Networks in dictionaries of their own are both found, and either can be chosen.

DINO's {student, teacher, optimizer} was taken for the state of an optimizer without a
model, and DINOv2's {teacher} for nothing.
"""

import official
import pytest
import torch

from rsp import checkpoints
from rsp.checkpoints import load_backbone
from rsp.errors import UserError


@pytest.fixture
def networks():
    return [official.narrow_resnet().state_dict() for _ in range(2)]


@pytest.fixture
def dino(networks, tmp_path):
    student, teacher = networks
    teacher['conv1.weight'] = teacher['conv1.weight'] + 1
    content = dict(
        student={f'module.backbone.{n}': t for n, t in student.items()},
        teacher={f'backbone.{n}': t for n, t in teacher.items()},
        optimizer={},
        epoch=1,
    )
    torch.save(content, tmp_path / 'dino.pth')
    return tmp_path / 'dino.pth'


def test_inspect_tells_both_and_which_is_the_average(dino):
    said = str(checkpoints.inspect(dino))
    for branch, remark in (('student', ''), ('teacher', ' (a moving average)')):
        assert f"under '{branch}.backbone.', names of mm{remark}\n" in said


def test_either_is_chosen_by_branch(dino, networks):
    for branch, state in zip(('student', 'teacher'), networks, strict=True):
        built = load_backbone(dino, branch=branch)
        assert torch.equal(built.conv1.weight, state['conv1.weight'])
    # Its authors hand on the teacher.
    built = load_backbone(dino)
    assert torch.equal(built.conv1.weight, networks[1]['conv1.weight'])


def test_a_teacher_alone_is_read_and_no_student_invented(dino, tmp_path):
    content = torch.load(dino, weights_only=True)
    torch.save(dict(teacher=content['teacher']), tmp_path / 'teacher.pth')
    assert load_backbone(tmp_path / 'teacher.pth') is not None
    with pytest.raises(UserError, match='no backbone of a student'):
        load_backbone(tmp_path / 'teacher.pth', branch='student')
