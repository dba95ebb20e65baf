"""The fused update is the one of mmengine, number for number."""

import copy

import pytest
import torch
from mmengine.model import ExponentialMovingAverage
from torch import nn

from rsp.models.modules.average import update_average


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
