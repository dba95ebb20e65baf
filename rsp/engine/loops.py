"""Train by epochs or iterations, from the very batch where a run stopped."""

from collections.abc import Iterator
from contextlib import nullcontext
from itertools import islice
from typing import Any

from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop
from torch import nn
from torch.utils.data import DataLoader

from rsp.engine.resume.random_state import random_state_kept, restore_random_state
from rsp.engine.resume.skipping import has_epochs, sampler_of, skip_batches
from rsp.registry import LOOPS


def resumable_loop(cfg: dict[str, Any]) -> dict[str, Any]:
    """Return the config of a train loop, one of mmengine's replaced by ours."""
    ours = dict(
        EpochBasedTrainLoop='rsp.EpochTrainLoop', IterBasedTrainLoop='rsp.IterTrainLoop'
    )
    cfg = dict(cfg)
    if 'type' in cfg:
        kind = cfg['type']
        name = kind.rpartition('.')[2] if isinstance(kind, str) else kind.__name__
    else:
        name = 'EpochBasedTrainLoop' if cfg.pop('by_epoch') else 'IterBasedTrainLoop'
    return cfg | (dict(type=ours[name]) if name in ours else {})


class Batches:
    """Iterate a loader epoch after epoch, and begin inside one.

    The random numbers of this process are those of the run that is continued: an
    iterator draws one when it is made, which the other run did at its own time.

    Args:
        loader: Training data.
        random_state: Of the run that is continued, or None for a new run.
    """

    def __init__(self, loader: DataLoader) -> None:
        self.loader = loader
        self.random_state: dict[str, Any] | None = None
        self._is_continued = False

    def __call__(self, done: int = 0) -> Iterator[Any]:
        """Iterate the rest of the epoch that the sampler is set to.

        Args:
            done: Batches that were learned from already.
        """
        if self.random_state is not None:
            restore_random_state(self.random_state)
            self.random_state, self._is_continued = None, True
        if has_epochs(self.loader) and done >= len(self.loader):
            return iter(())
        skipped = skip_batches(self.loader, done)
        # Where the other run had its iterator by then.
        made_before = self._is_continued and (done or self.loader.persistent_workers)
        self._is_continued = False
        with random_state_kept() if made_before else nullcontext():
            iterator = iter(self.loader)
            return iterator if skipped else islice(iterator, done, None)


@LOOPS.register_module()
class EpochTrainLoop(EpochBasedTrainLoop):
    """Train by epochs as mmengine does, and resume inside one.

    A checkpoint of iteration i, of epochs of n batches, goes on at batch i - n * epoch;
    after the last batch of an epoch it goes on with what follows an epoch.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.batches = Batches(self.dataloader)

    def run_epoch(self) -> None:
        """Train one epoch, or the rest of it."""
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        done = self.iter - self.epoch * len(self.dataloader)
        for idx, data_batch in enumerate(self.batches(done), start=done):
            self.run_iter(idx, data_batch)
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1


@LOOPS.register_module()
class IterTrainLoop(IterBasedTrainLoop):
    """Train by iterations as mmengine does, and resume at any of them.

    Neither batches that were learned from are loaded again, nor do the epochs of a
    sampler that has some begin anew.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.batches = Batches(self.dataloader)

    def run(self) -> nn.Module:
        """Train to the end."""
        self.runner.call_hook('before_train')
        # The whole training is one epoch of the hooks.
        self.runner.call_hook('before_train_epoch')
        data = self._endless()
        while self._iter < self._max_iters and not self.stop_training:
            self.runner.model.train()
            self.run_iter(next(data))
            self._decide_current_val_interval()
            if self._should_validate():
                self.runner.val_loop.run()
        self.runner.call_hook('after_train_epoch')
        self.runner.call_hook('after_train')
        return self.runner.model

    def _endless(self) -> Iterator[Any]:
        wants_skip = not getattr(self, 'fast_forward_on_resume', False)
        epoch, done = 0, self._iter if wants_skip else 0
        if has_epochs(self.dataloader):
            epoch, done = divmod(done, len(self.dataloader))
        while True:
            sampler = sampler_of(self.dataloader)
            if hasattr(sampler, 'set_epoch'):
                sampler.set_epoch(epoch)
            yield from self.batches(done)
            epoch, done = epoch + 1, 0

    def _should_validate(self) -> bool:
        return (
            self.runner.val_loop is not None
            and self._iter >= self.val_begin
            and (self._iter % self.val_interval == 0 or self._iter == self._max_iters)
        )
