from types import SimpleNamespace

import pytest
from torch import nn

from rsp.engine.hooks import PreflightHook


def runner_of(model, batch_size):
    loader = SimpleNamespace(batch_sampler=SimpleNamespace(batch_size=batch_size))
    return SimpleNamespace(model=model, train_dataloader=loader, world_size=2)


def test_one_image_per_process_is_refused_for_batch_norm():
    with pytest.raises(ValueError, match=r'at least 2 images.*batch_size=1; raise it'):
        PreflightHook().before_train(runner_of(nn.BatchNorm2d(3), 1))


def test_one_image_per_process_is_fine_without_batch_norm():
    PreflightHook().before_train(runner_of(nn.LayerNorm(3), 1))


def test_the_method_is_asked_with_the_loader_and_world_size():
    asked = []

    class Method(nn.Module):
        def preflight(self, dataloader, world_size):
            asked.append((dataloader.batch_sampler.batch_size, world_size))

    PreflightHook().before_train(runner_of(Method(), 4))
    assert asked == [(4, 2)]
