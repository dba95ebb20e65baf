import pytest
import torch
from mmpretrain.registry import MODELS

BLOCKS = {11: 8, 13: 10, 16: 13, 19: 16}


@pytest.mark.parametrize('norm', [None, dict(type='BN')])
@pytest.mark.parametrize('depth', BLOCKS)
def test_the_last_map_of_every_depth(depth, norm):
    backbone = MODELS.build(dict(type='rsp.VGG', depth=depth, norm_cfg=norm))
    (out,) = backbone(torch.rand(1, 3, 32, 64))
    assert out.shape == (1, 512, 1, 2)
    kernels = [p for p in backbone.parameters() if p.ndim == 4]
    assert len(kernels) == BLOCKS[depth]
    assert not [n for n in backbone.state_dict() if not n.startswith('features.')]


def test_thirteen_bands():
    settings = dict(depth=11, out_indices=(0, 4))
    backbone = MODELS.build(dict(type='rsp.VGG', in_channels=13, **settings))
    first, last = backbone(torch.rand(1, 13, 32, 64))
    assert first.shape == (1, 64, 16, 32)
    assert last.shape == (1, 512, 1, 2)
    plain = MODELS.build(dict(type='mmpretrain.VGG', **settings))
    shapes = {n: p.shape for n, p in backbone.state_dict().items()}
    expected = {n: p.shape for n, p in plain.state_dict().items()}
    expected['features.0.conv.weight'] = (64, 13, 3, 3)
    assert shapes == expected
