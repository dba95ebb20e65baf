"""GeRSP on two gloo ranks against one process."""

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
        'single', Path(__file__).with_name('test_gersp.py')
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def model_of(steps_apart=False, **options):
    one = single()
    # Ranks draw different weights, as processes do; DDP takes those of rank 0.
    if not steps_apart:
        torch.manual_seed(0)
    return one.gersp(length=10, teacher=dict(momentum=0.1), **options).double()


def batches(rank, steps):
    return [
        single().batch(3, 2, dtype=torch.float64, seed=10 * step + rank)
        for step in range(steps)
    ]


def train_on_two(steps, options):
    """Train, every rank on batches of its own; return what must agree."""
    rank = torch.distributed.get_rank()
    model = model_of(steps_apart=True, **options)
    wrapped = DistributedDataParallel(model, broadcast_buffers=False)
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    for inputs, samples in batches(rank, steps):
        losses = wrapped(inputs, samples, mode='loss')
        optimizer.zero_grad()
        (losses['loss_contrast'] + losses['loss_supervised']).backward()
        optimizer.step()
    return {
        name: tensor
        for name, tensor in model.state_dict().items()
        # Plain batch norm keeps statistics of its own rank, as published.
        if 'running' not in name
    }


@pytest.mark.parametrize('options', [{}, dict(source_stems=dict(natural=3))])
def test_ranks_stay_identical(gloo, options):
    """Queue, pointer, teacher, student and the photos' stem, bit by bit."""
    first, second = gloo(train_on_two, 3, options)
    assert first['queue.ptr'].item() == 18 % 10
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name


def queue_after_one_step():
    model = model_of()
    single().freeze_statistics(model)
    inputs, samples = batches(torch.distributed.get_rank(), 1)[0]
    model.loss(inputs, samples)
    return model.queue.feats.detach()


def test_the_queue_is_that_of_one_process_with_all_keys(gloo):
    """With fixed statistics shuffling changes nothing."""
    first, second = gloo(queue_after_one_step)
    assert torch.equal(first, second)
    model = single().freeze_statistics(model_of())
    (one, samples), (other, _) = batches(0, 1)[0], batches(1, 1)[0]
    together = [
        torch.cat([a, b]) for a, b in zip(one['remote'], other['remote'], strict=True)
    ]
    model.loss(dict(remote=together, natural=one['natural']), samples)
    assert_close(first, model.queue.feats)


def keys_of_a_rank():
    model = model_of()
    return model.encode_keys(
        batches(torch.distributed.get_rank(), 1)[0][0]['remote'][1]
    )


def test_shuffling_mixes_statistics_over_ranks(gloo):
    """With batch statistics, a rank's keys depend on the other rank."""
    alone = model_of().encode_keys(batches(0, 1)[0][0]['remote'][1])
    assert not torch.allclose(gloo(keys_of_a_rank)[0], alone)


def gradients_of_a_rank(wrap):
    model = single().freeze_statistics(model_of())
    inputs, samples = batches(torch.distributed.get_rank(), 1)[0]
    forward = DistributedDataParallel(model) if wrap else model
    losses = forward(inputs, samples, mode='loss')
    (losses['loss_contrast'] + losses['loss_supervised']).backward()
    return {n: p.grad for n, p in model.named_parameters() if p.grad is not None}


def test_the_gradient_is_the_mean_over_ranks(gloo):
    averaged, _ = gloo(gradients_of_a_rank, True)
    first, second = gloo(gradients_of_a_rank, False)
    for name, gradient in averaged.items():
        assert_close(gradient, (first[name] + second[name]) / 2)
