import copy

import pytest
import torch
from mmengine.registry import OPTIM_WRAPPERS
from torch import nn

from rsp.engine.optim import bf16_optim_wrapper


@pytest.fixture
def model():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.LazyLinear(2))


def wrapper_for(model, **more):
    cfg = dict(type='rsp.Bf16OptimWrapper', **more)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    return OPTIM_WRAPPERS.build(cfg, default_args=dict(optimizer=optimizer))


def test_a_step_equals_one_under_autocast_by_hand(model):
    images = torch.rand(2, 3, 5, 4)
    model(images)  # gives the lazy layer its size
    by_hand = copy.deepcopy(model)
    wrapper = wrapper_for(model)
    with wrapper.optim_context(model):
        scores = model(images)
    assert scores.dtype == torch.bfloat16
    wrapper.update_params(scores.float().square().mean())

    with torch.autocast('cpu', torch.bfloat16):
        loss = by_hand(images).float().square().mean()
    gradients = torch.autograd.grad(loss, list(by_hand.parameters()))
    for new, old, gradient in zip(
        model.parameters(), by_hand.parameters(), gradients, strict=True
    ):
        assert new.dtype == torch.float32
        torch.testing.assert_close(new, old - 0.5 * gradient)


def test_the_state_is_that_of_the_optimizer(model):
    # Losses are not scaled, so a run in float32 can go on from it and back.
    model(torch.rand(1, 3, 5, 4))
    assert 'loss_scaler' not in wrapper_for(model).state_dict()


def test_outside_of_the_model_nothing_is_cast(model):
    images = torch.rand(1, 3, 5, 4)
    wrapper = wrapper_for(model)
    with wrapper.optim_context(model):
        model(images)
    assert model(images).dtype == torch.float32


def test_a_gpu_without_bfloat16_is_refused(model, monkeypatch):
    model(torch.rand(1, 3, 5, 4))
    monkeypatch.setattr(bf16_optim_wrapper, 'supports_bf16', lambda: False)
    monkeypatch.setattr(torch.cuda, 'get_device_name', lambda: 'Tesla V100')
    with pytest.raises(ValueError, match=r'got Tesla V100.*AmpOptimWrapper'):
        wrapper_for(model)
