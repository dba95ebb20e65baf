"""What batches, queues and data are refused before the first step."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.dataset import DefaultSampler, InfiniteSampler
from mmpretrain.models.selfsup import MoCo
from torch import nn
from torch.utils.data import DataLoader

from rsp.engine.preflight import batches, check_training
from rsp.errors import UserError


class Images(list):
    """A data set of so many numbers."""


def loader_of(images, size, sampler=DefaultSampler, drop_last=True, world=1):
    data = Images(range(images))
    sampler = sampler(data)
    if world > 1 and isinstance(sampler, DefaultSampler):
        sampler.num_samples = -(-images // world)
    return DataLoader(data, size, sampler=sampler, drop_last=drop_last)


def moco(length):
    model = MoCo.__new__(MoCo)
    nn.Module.__init__(model)
    model.queue_len = length
    return model


@pytest.mark.parametrize('model', [nn.Linear(1, 1), moco(64)])
def test_images_that_do_not_fill_a_batch_are_refused_for_every_model(model):
    message = r'no step: expected at least train_dataloader.batch_size=64 images'
    with pytest.raises(UserError, match=message + r'.*got 48 in all.*to 48 or less'):
        check_training(model, loader_of(48, 64), 1)
    with pytest.raises(UserError, match=r'each of 2 processes.*to 24 or less'):
        check_training(model, loader_of(48, 32, world=2), 2)


def test_the_remedy_of_an_empty_epoch_trains():
    check_training(nn.Linear(1, 1), loader_of(48, 48), 1)
    check_training(nn.Linear(1, 1), loader_of(48, 24, world=2), 2)
    check_training(nn.Linear(1, 1), loader_of(48, 64, drop_last=False), 1)


def test_an_endless_sampler_fills_every_batch():
    check_training(nn.Linear(1, 1), loader_of(48, 64, InfiniteSampler), 1)


def test_a_last_batch_of_one_vector_is_refused():
    """Torch stops at it, when the first epoch is almost over."""
    model = nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2))
    with pytest.raises(ValueError, match='Expected more than 1 value per channel'):
        model(torch.ones(1, 4))
    message = r'got 1 in the last batch of an epoch of 49; set .*drop_last=True'
    with pytest.raises(UserError, match=message):
        check_training(model, loader_of(49, 8, drop_last=False), 1)
    check_training(model, loader_of(49, 8), 1)
    check_training(model, loader_of(50, 8, drop_last=False), 1)
    maps = nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2))
    check_training(maps, loader_of(49, 8, drop_last=False), 1)


@pytest.mark.parametrize(
    ('length', 'size', 'processes', 'queues', 'sizes'),
    [
        (64, 8, 3, '48 or 72', None),
        (64, 6, 1, '60 or 66', '4 or 8'),
        (65536, 32, 3, '65472 or 65568', None),
        (4, 8, 1, '8', '2 or 4'),
    ],
)
def test_a_queue_that_is_not_divided_names_the_nearest(
    length, size, processes, queues, sizes
):
    loader = loader_of(96, size, world=processes)
    with pytest.raises(UserError, match=f'set model.queue_len to {queues}') as error:
        check_training(moco(length), loader, processes)
    assert ('batch_size to' in str(error.value)) == bool(sizes)
    assert (sizes or '') in str(error.value)
    for queue in map(int, queues.split(' or ')):
        check_training(moco(queue), loader, processes)


def test_the_last_smaller_batch_is_refused():
    with pytest.raises(UserError, match=r'last batch of 1 images.*drop_last=True'):
        check_training(moco(64), loader_of(65, 8, drop_last=False), 1)
    check_training(moco(64), loader_of(65, 8), 1)
    check_training(moco(64), loader_of(64, 8, drop_last=False), 1)


@pytest.mark.parametrize(('keys', 'longest'), [(1, 48), (2, 96)])
def test_a_queue_longer_than_an_epoch_warns(keys, longest, monkeypatch):
    model = nn.Linear(1, 1)
    told = []
    monkeypatch.setattr(batches, 'print_log', lambda text, **_: told.append(text))
    model.queue, model.keys_per_image = SimpleNamespace(length=longest + 1), keys
    check_training(model, loader_of(48, 8), 1)
    assert len(told) == 1
    assert f'shorten it to {longest} or less' in told.pop()
    model.queue.length = longest
    check_training(model, loader_of(48, 8), 1)
    assert told == []
