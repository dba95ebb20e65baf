from types import SimpleNamespace

import pytest
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler

from rsp.engine.hooks import PreflightHook


def runner_of(model, batch_size, **more):
    # As with a batch sampler: the loader itself has no batch size.
    images = list(range(8))
    batches = BatchSampler(SequentialSampler(images), batch_size, drop_last=True)
    loader = DataLoader(images, batch_sampler=batches)
    return SimpleNamespace(model=model, train_dataloader=loader, world_size=2, **more)


def test_one_image_per_process_is_refused_for_batch_norm():
    with pytest.raises(ValueError, match=r'at least 2 images.*batch_size=1; raise it'):
        PreflightHook().before_train(runner_of(nn.BatchNorm2d(3), 1))


def test_one_image_per_process_is_fine_without_batch_norm():
    PreflightHook().before_train(runner_of(nn.LayerNorm(3), 1))


class Method(nn.Module):
    def __init__(self):
        super().__init__()
        self.asked = []

    def preflight(self, dataset, batch_size):
        self.asked.append((len(dataset), batch_size))


def test_the_method_is_asked_with_data_and_batch_of_all_processes():
    method = Method()
    PreflightHook().before_train(runner_of(method, 4))
    assert method.asked == [(8, 8)]


def test_a_runner_that_asked_before_is_not_asked_again():
    method = Method()
    PreflightHook().before_train(runner_of(method, 4, checks_training=True))
    assert method.asked == []


def test_an_epoch_without_a_step_is_refused_by_mmengines_runner_too():
    with pytest.raises(ValueError, match=r'has no step.*batch_size=9.*2 processes'):
        PreflightHook().before_train(runner_of(Method(), 9))
