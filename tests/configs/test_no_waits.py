"""A step of a run waits for the device once: before the weights are changed."""

from contextlib import contextmanager, nullcontext

import pytest
import torch
from device_waits import unseen, waits_of_device
from mmengine.hooks import Hook

from rsp.engine.hooks import non_finite
from rsp.engine.train import build_runner

METHODS = [
    'gersp/r50.py',
    'cmid/r50.py',
    'cmid/swin_b.py',
    'cmid/vit_b.py',
    'geokr/r50.py',
    'moco/v2_r50_maid.py',
]


class Around(Hook):
    """Run whole iterations inside a context, those that nobody logs: 2 and 4 of 6.

    In the first two a teacher is asked whether it has ever moved.
    """

    def __init__(self, context):
        self.context = context

    def before_train(self, runner):
        loop, optimizer = runner.train_loop, runner.optim_wrapper.optimizer
        run_iter = loop.run_iter
        # It counts its steps on the host.
        optimizer.step = unseen(optimizer.step)

        def watched(*args):
            with self.context() if loop.iter in (2, 4) else nullcontext():
                run_iter(*args)

        loop.run_iter = watched


@pytest.fixture
def train(load, shrink, redirect):
    def train(config, context, **options):
        cfg = load(config)
        shrink(cfg)
        redirect(cfg)
        cfg.train_cfg.max_epochs = 3
        cfg.default_hooks.logger.interval = 100
        cfg.default_hooks.pixel_guard.images = 1
        cfg.merge_from_dict(options)
        runner = build_runner(cfg)
        runner.register_hook(Around(context))
        runner.train()
        assert runner.iter == 6
        return runner

    return train


@pytest.mark.parametrize('config', METHODS)
def test_a_step_waits_for_its_gradient_alone(config, train):
    found = []

    @contextmanager
    def watch():
        with waits_of_device() as waits:
            yield
        found.append(waits.found)

    train(config, watch)
    assert len(found) == 2
    for places in found:
        assert len(places) == 1, '\n'.join(places)
        assert 'non_finite.py' in places[0]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
@pytest.mark.parametrize('config', METHODS)
def test_no_step_waits_for_a_gpu(config, train, monkeypatch):
    """But for the gradient, as torch itself finds it."""
    is_finite = non_finite.is_finite

    def allowed(optimizer):
        torch.cuda.set_sync_debug_mode('default')
        try:
            return is_finite(optimizer)
        finally:
            torch.cuda.set_sync_debug_mode('error')

    @contextmanager
    def refuse():
        monkeypatch.setattr(non_finite, 'is_finite', allowed)
        torch.cuda.set_sync_debug_mode('error')
        try:
            yield
        finally:
            torch.cuda.set_sync_debug_mode('default')
            monkeypatch.setattr(non_finite, 'is_finite', is_finite)

    train(config, refuse, **{'train_dataloader.pin_memory': True})


def test_what_waits_is_found():
    images = torch.rand(2, 3, 4, 5)
    with waits_of_device() as waits:
        images.flip(1).mean((2, 3)).topk(2).indices.gather(1, torch.arange(1)[None])
    assert waits.found == []
    for wait in (
        lambda: images.sum().item(),
        lambda: float(images.sum()),
        lambda: bool(images.isfinite().all()),
        lambda: images[images > 0.5],
        lambda: images[:, [2, 1, 0]],
        lambda: images.nonzero(),
        lambda: images.cpu(),
        lambda: images.to('cpu'),
        lambda: images.sum().tolist(),
        lambda: torch.tensor([1, 2]),
    ):
        with waits_of_device() as waits:
            wait()
        assert waits.found
