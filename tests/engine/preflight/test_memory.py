"""Batches that cannot fit into memory are refused before they are computed."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from rsp.engine.preflight import memory
from rsp.engine.preflight.hook import PreflightHook
from rsp.engine.preflight.memory import (
    kept_for_gradient,
    largest_shape,
    refuse_large_batch,
)
from rsp.errors import UserError


def test_what_is_kept_of_a_small_network_is_counted_by_hand():
    network = nn.Sequential(
        nn.Conv2d(3, 4, 1, bias=False), nn.ReLU(), nn.Conv2d(4, 5, 1)
    )
    # The images, and what ReLU returns, once for both that keep it; no weights.
    assert kept_for_gradient(network, (2, 3, 8, 8)) == 4 * 2 * 64 * (3 + 4)
    for parameter in network[0].parameters():
        parameter.requires_grad_(False)
    # Of a frozen layer nothing is kept, and ReLU has no gradient to give.
    assert kept_for_gradient(network, (2, 3, 8, 8)) == 4 * 2 * 64 * 4


def test_it_is_what_a_real_pass_keeps():
    from mmpretrain.models import ResNet

    network = ResNet(18, base_channels=4, stem_channels=4)
    images = torch.rand(2, 3, 32, 32)
    kept = {}
    weights = {w.untyped_storage().data_ptr() for w in network.state_dict().values()}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        out = network(images)
    found = kept_for_gradient(network, tuple(images.shape))
    assert found == sum(s.nbytes() for s in kept.values())
    assert found > 0
    assert out[0].requires_grad


def test_nothing_of_the_network_changes():
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.ReLU())
    network[1].eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert kept_for_gradient(network, (2, 3, 8, 8)) > 0
    assert [m.training for m in network] == [True, False, True]
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])
        assert value.device.type == 'cpu'


def test_a_network_that_needs_values_is_not_counted():
    class Asks(nn.Module):
        def forward(self, images):
            return images * float(images.mean())

    assert kept_for_gradient(Asks(), (2, 3, 8, 8)) == 0


def test_the_largest_images_are_found():
    small, large = torch.empty(2, 3, 4, 4), torch.empty(2, 3, 8, 8)
    pairs = dict(remote=[small, large], natural=small)
    assert largest_shape(pairs) == (2, 3, 8, 8)
    # As detection has them, of any size.
    several = [torch.empty(3, 4, 9), torch.empty(3, 7, 5)]
    assert largest_shape(several) == (2, 3, 7, 9)
    assert largest_shape([torch.empty(3)]) is None


def test_the_hook_asks_once_for_the_batch_of_every_method(monkeypatch):
    asked = []
    monkeypatch.setattr(
        'rsp.engine.preflight.hook.refuse_large_batch',
        lambda model, batch, size: asked.append((model, batch, size)),
    )
    loader = DataLoader(range(6), batch_size=3)
    runner = SimpleNamespace(model=Model(), train_dataloader=loader)
    hook = PreflightHook()
    batch = dict(remote=dict(inputs=[torch.empty(3, 1, 2, 2)]), natural=None)
    for step in range(2):
        hook.before_train_iter(runner, step, batch)
    assert asked == [(runner.model, batch, 3)]
    assert largest_shape(batch) == (3, 1, 2, 2)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.student = nn.Module()
        self.student.backbone = nn.Sequential(nn.Conv2d(3, 5, 1), nn.ReLU())


def test_a_batch_that_cannot_fit_is_refused_with_what_would(monkeypatch):
    model, images = Model(), torch.empty(2, 3, 8, 8)
    each = memory.SURE * 4 * 2 * 64 * (3 + 5)
    monkeypatch.setattr(memory, 'available_memory', lambda: 8 * each)
    monkeypatch.setenv('LOCAL_WORLD_SIZE', '8')
    refuse_large_batch(model, images, 2)
    monkeypatch.setenv('LOCAL_WORLD_SIZE', '9')
    message = r'batch_size=2, .*each of 9 processes; start fewer processes, or lower'
    with pytest.raises(UserError, match=message):
        refuse_large_batch(model, images, 2)
    monkeypatch.delenv('LOCAL_WORLD_SIZE')
    monkeypatch.setattr(memory, 'available_memory', lambda: each - 1)
    with pytest.raises(UserError, match=r'keeps 0\.0 GB; lower the batch size'):
        refuse_large_batch(model, [images], 2)
    # Where the system does not tell, or there is no backbone.
    refuse_large_batch(nn.Linear(1, 1), images, 2)
    monkeypatch.setattr(memory, 'available_memory', lambda: None)
    refuse_large_batch(model, images, 2)
