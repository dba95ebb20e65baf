"""CMID on two gloo ranks against one process."""

import importlib.util
from pathlib import Path

import pytest
import torch
from torch.nn.parallel import DistributedDataParallel
from torch.testing import assert_close

pytestmark = pytest.mark.dist


def single():
    """The tests of one process: their small model and batches serve here too."""
    spec = importlib.util.spec_from_file_location(
        'single', Path(__file__).with_name('test_cmid.py')
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def model_of(seed=0):
    torch.manual_seed(seed)
    # Without batch norm, so that images of a batch stay apart: synchronized batch norm
    # exists on GPUs only.
    kwargs = dict(queue=dict(dim=6, length=20), teacher=dict(momentum=0.1))
    return single().without_norm(**kwargs).double()


def batch_of(rank, step=0):
    return single().batch(3, 4, torch.float64, seed=10 * step + rank)


def train_on_two(steps):
    """Train, every rank on batches of its own; return what must agree."""
    rank = torch.distributed.get_rank()
    # Ranks draw different weights, as processes do; DDP takes those of rank 0.
    model = model_of(seed=rank)
    wrapped = DistributedDataParallel(model, broadcast_buffers=False)
    model.teacher.copy_from(model.student)
    trainable = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(trainable, 0.05)
    for step in range(steps):
        losses = wrapped(*batch_of(rank, step), mode='loss')
        optimizer.zero_grad()
        single().total(losses).backward()
        optimizer.step()
        model.teacher.update_parameters(model.student)
    return model.state_dict()


def test_ranks_stay_identical(gloo):
    """Queue, pointer, center, teacher and student, bit by bit."""
    first, second = gloo(train_on_two, 3)
    assert first['queue.ptr'].item() == 36 % 20
    assert first['local_head.center'].abs().max() > 0
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name


def one_step():
    model = model_of()
    losses = model.loss(*batch_of(torch.distributed.get_rank()))
    return {n: v.detach() for n, v in losses.items()}, model.state_dict()


def together():
    """Both ranks' images as one batch: (views, samples)."""
    (first, samples), (second, others) = batch_of(0), batch_of(1)
    joined = single().DataSample()
    for name in ('masks', 'positions'):
        joined.set_field(torch.cat([samples.get(name), others.get(name)]), name)
    return [torch.cat(pair) for pair in zip(first, second, strict=True)], joined


def test_two_ranks_are_one_process_with_all_images(gloo):
    """The frequency loss is that of each rank's mean error."""
    (first, state), (second, _) = gloo(one_step)
    model = model_of()
    expected = model.loss(*together())
    for name in ('loss_spatial', 'loss_global', 'loss_local'):
        # The second term sees a center that all ranks have moved.
        assert_close((first[name] + second[name]) / 2, expected[name])
    mean = (first['loss_frequency'] + second['loss_frequency']) / 2
    assert not torch.isclose(mean, expected['loss_frequency'])
    for name in ('queue.feats', 'queue.ptr', 'local_head.center'):
        assert_close(state[name], model.state_dict()[name])


def test_every_key_is_queued_once(gloo):
    """A second gathering would store duplicates."""
    (_, state), _ = gloo(one_step)
    keys = state['queue.feats'][:, :12]
    cosines = keys.T @ keys - torch.eye(12, dtype=keys.dtype)
    assert state['queue.ptr'].item() == 12
    assert cosines.abs().max() < 1 - 1e-9


def crops_of_a_rank():
    from rsp.datasets import PairedSampler, SeededDataset

    dataset = SeededDataset(list(range(8)))
    return [tuple(draw) for draw in PairedSampler(dataset, shuffle=True, seed=3)]


def test_ranks_draw_different_images_and_augmentations(gloo):
    first, second = gloo(crops_of_a_rank)
    images = [draw[0] for draw in first + second]
    seeds = [draw[1] for draw in first + second]
    assert sorted(images) == [(i,) for i in range(8)]
    assert len(set(seeds)) == 8
