"""Anchors are of as many levels as a head gets feature maps."""

import copy
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from rsp.engine.preflight.levels import compare_levels
from rsp.errors import UserError


class Head(nn.Module):
    def __init__(self, levels):
        super().__init__()
        self.prior_generator = SimpleNamespace(num_levels=levels)

    def forward(self, maps):
        return len(maps)


def test_a_head_counts_its_maps():
    model = nn.ModuleDict(dict(neck=nn.Identity(), bbox_head=Head(3)))
    compare_levels(model)
    maps = [torch.zeros(1)] * 3
    assert copy.deepcopy(model)['bbox_head'](maps) == 3
    with pytest.raises(UserError, match=r'model.bbox_head: .*3 strides for 2 maps'):
        model['bbox_head'](maps[:2])
