"""Ours is mmpretrain's MoCo, number for number, without its limits."""

import copy

import pytest
import torch
from mmpretrain.models.selfsup import MoCo as MMPretrainMoCo

from rsp.errors import UserError
from rsp.models.selfsup import MoCo


def settings(queue_len=12):
    return dict(
        backbone=dict(type='ResNet', depth=18, stem_channels=8, base_channels=4),
        neck=dict(
            type='MoCoV2Neck',
            in_channels=32,
            hid_channels=16,
            out_channels=6,
            with_avg_pool=True,
        ),
        head=dict(
            type='ContrastiveHead',
            loss=dict(type='CrossEntropyLoss'),
            temperature=0.2,
        ),
        queue_len=queue_len,
        feat_dim=6,
        momentum=0.1,
    )


def pair():
    ours, theirs = MoCo(**settings()), MMPretrainMoCo(**settings())
    theirs.init_weights()
    ours.load_state_dict(theirs.state_dict())
    return ours.train(), theirs.train()


def train(model, steps, first=0):
    """Return the losses of some steps; the order of keys is drawn from a seed."""
    optimizer = torch.optim.SGD(
        (p for p in model.parameters() if p.requires_grad), 0.05
    )
    losses = []
    for seed in range(first, first + steps):
        g = torch.Generator().manual_seed(seed)
        views = [*torch.randn(2, 4, 3, 32, 24, generator=g)]
        torch.manual_seed(seed)
        loss = model.loss(views, None)['loss']
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_five_steps_are_those_of_mmpretrain():
    """The queue of twelve wraps around after three."""
    ours, theirs = pair()
    assert train(ours, 5) == train(theirs, 5)
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], tensor), name


def test_a_loaded_state_goes_on_as_it_would_have():
    model, _ = pair()
    train(model, 2)
    other = MoCo(**settings()).train()
    # Its teacher has moved before, and would lerp from where it was.
    train(other, 3)
    other.load_state_dict(copy.deepcopy(model.state_dict()))
    assert train(other, 2, first=2) == train(model, 2, first=2)
    fresh, theirs = pair()
    other.load_state_dict(fresh.state_dict())
    assert train(other, 2) == train(theirs, 2)


def test_an_undone_first_step_copies_again():
    model, _ = pair()
    start = copy.deepcopy(model.state_dict())
    model.move_teacher()
    for name, tensor in model.state_dict().items():
        tensor.copy_(start[name])  # in place, as a step that is not finite is undone
    model.move_teacher()
    assert torch.equal(
        model.encoder_k.module[0].conv1.weight, model.backbone.conv1.weight
    )


def test_the_queue_wraps_around_at_any_length():
    model = MoCo(**settings(queue_len=7)).train()
    keys = torch.arange(30.0).view(5, 6)
    model.push(keys)
    model.push(keys + 100)
    assert torch.equal(model.queue[:, 5:], keys[:2].T + 100)
    assert torch.equal(model.queue[:, :3], keys[2:].T + 100)
    assert torch.equal(model.queue[:, 3:5], keys[3:].T)
    assert model.queue_ptr.tolist() == [3]


def test_keys_of_accumulated_passes_are_stored_together():
    model = MoCo(**settings()).train()
    before = model.queue.clone()
    model.begin_pass(is_first=True, is_last=False)
    train(model, 1)
    assert model.encoder_k.steps == 1
    assert torch.equal(model.queue, before)
    model.begin_pass(is_first=False, is_last=True)
    train(model, 1)
    assert model.encoder_k.steps == 1
    assert (model.queue != before).any(0).sum() == 8


def test_more_keys_than_the_queue_holds_are_refused():
    model = MoCo(**settings())
    model.preflight(None, 12)
    with pytest.raises(UserError, match=r'13 keys per step do not fit a queue of 12'):
        model.preflight(None, 13)
