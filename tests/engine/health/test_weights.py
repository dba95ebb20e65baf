"""Gradient, update and teacher are measured inside the step of an optimizer."""

import methods
import pytest
import torch
from mmpretrain.registry import MODELS

from rsp.engine.health.weights import Weights, teacher_of, teacher_pairs


def stepped(model, optimizer):
    """Step with gradients of ones, and measure."""
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    with Weights(model, [optimizer]) as weights:
        optimizer.step()
    return {name: value.item() for name, value in weights.found.items()}


def test_an_update_is_a_share_of_the_weights():
    model = MODELS.build(methods.simclr())
    trained = [p for p in model.parameters() if p.requires_grad]
    before = [p.detach().clone() for p in model.backbone.parameters() if p.ndim > 1]
    found = stepped(model, torch.optim.SGD(trained, lr=0.01))
    ratios = [0.01 * w.numel() ** 0.5 / w.norm() for w in before]
    assert found['update_ratio'] == pytest.approx(
        torch.stack(ratios).median().item(), rel=1e-4
    )
    count = sum(p.numel() for p in trained)
    assert found['gradient_norm'] == pytest.approx(count**0.5, rel=1e-5)
    own = sum(p.numel() for p in model.backbone.parameters())
    assert found['backbone_gradient'] == pytest.approx(own**0.5, rel=1e-5)
    assert 'teacher_distance' not in found


@pytest.mark.parametrize('name', ['gersp', 'cmid', 'geokr', 'moco', 'byol', 'mocov3'])
def test_teachers_are_found_and_their_distance(name):
    model = MODELS.build(getattr(methods, name)())
    pairs = [*teacher_pairs(model)]
    matrices = [p for p in teacher_of(model).module.parameters() if p.ndim > 1]
    assert 0 < len(pairs) <= len(matrices)
    for student, teacher in pairs:
        teacher.copy_(1.5 * student)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    assert stepped(model, optimizer)['teacher_distance'] == pytest.approx(0.5, rel=1e-4)


def test_no_gradient_of_the_backbone_is_zero():
    model = MODELS.build(methods.simclr())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for parameter in model.neck.parameters():
        parameter.grad = torch.ones_like(parameter)
    with Weights(model, [optimizer]) as weights:
        optimizer.step()
    assert weights.found['backbone_gradient'].item() == 0
    assert weights.found['gradient_norm'].item() > 0
    optimizer.step()
    assert 'update_ratio' in weights.found
