from types import SimpleNamespace

import pytest
from torch import nn

from rsp.engine.hooks import PreflightHook


def runner_of(model, batch_size):
    # As with a batch sampler: the loader itself has no batch size.
    batches = SimpleNamespace(batch_size=batch_size)
    loader = SimpleNamespace(batch_size=None, batch_sampler=batches, dataset='images')
    return SimpleNamespace(model=model, train_dataloader=loader, world_size=2)


def test_one_image_per_process_is_refused_for_batch_norm():
    with pytest.raises(ValueError, match=r'at least 2 images.*batch_size=1; raise it'):
        PreflightHook().before_train(runner_of(nn.BatchNorm2d(3), 1))


def test_one_image_per_process_is_fine_without_batch_norm():
    PreflightHook().before_train(runner_of(nn.LayerNorm(3), 1))


def test_the_method_is_asked_with_data_and_batch_of_all_processes():
    asked = []

    class Method(nn.Module):
        def preflight(self, dataset, batch_size):
            asked.append((dataset, batch_size))

    PreflightHook().before_train(runner_of(Method(), 4))
    assert asked == [('images', 8)]
