"""Say where in its data a run is, and find the same place in other batches."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mmengine.runner import EpochBasedTrainLoop

from rsp.datasets.samplers import PairedSampler
from rsp.engine.resume.skipping import sampler_of
from rsp.errors import UserError


@dataclass(frozen=True)
class Batching:
    """Store how a run cuts its data into batches.

    Attributes:
        batches: Of an epoch.
        batch_size: Items of a batch per process; 0 if unknown.
        processes: That share a batch.
        accumulated: Batches per step of the optimizer.
        items: Of an epoch over all processes, where ``rsp.PairedSampler`` counts them.
        images: Length of the data set; 0 if unknown.
    """

    batches: int
    batch_size: int = 0
    processes: int = 1
    accumulated: int = 1
    items: int = 0
    images: int = 0

    @property
    def together(self) -> int:
        """Items of a batch of all processes."""
        return self.batch_size * self.processes

    def __str__(self) -> str:
        if not self.batch_size:
            return f'{self.batches} batches an epoch'
        return (
            f'{self.batch_size} items on each of {self.processes} processes, '
            f'{self.batches} batches an epoch'
        )


def batching_of(runner: Any) -> Batching:
    """Return how a runner, its loop and optimizer built, cuts its data."""
    loader = runner.train_loop.dataloader
    sampler = sampler_of(loader)
    paired = isinstance(sampler, PairedSampler)
    sized = hasattr(loader.dataset, '__len__')
    batch_size = loader.batch_size or getattr(loader.batch_sampler, 'batch_size', 0)
    return Batching(
        batches=len(loader) if sized else 0,
        batch_size=int(batch_size or 0),
        processes=runner.world_size,
        accumulated=getattr(runner.optim_wrapper, '_accumulative_counts', 1),
        items=sampler.total_size if paired else 0,
        images=len(loader.dataset) if sized else 0,
    )


def save_batching(runner: Any) -> dict[str, int]:
    """Return `batching_of` a runner for a checkpoint."""
    return asdict(batching_of(runner))


def move_to_position(runner: Any, meta: dict[str, Any], state: dict[str, Any]) -> bool:
    """Set epoch and iteration to where the checkpoint was saved.

    Args:
        runner: Its loop is set.
        meta: Of the checkpoint; ``epoch`` and ``iter`` count batches of its run.
        state: Of `rsp.engine.resume.state`; empty from an earlier version.

    Returns:
        Whether iterations count other batches than there, so that schedules of the
        checkpoint do not hold.

    Raises:
        UserError: If there is no such place in the batches of this run.
    """
    loop = runner.train_loop
    epoch, iteration = meta['epoch'], meta['iter']
    new = batching_of(runner)
    old = _saved_batching(state, new, epoch, iteration, meta.get('file', ''))
    if not isinstance(loop, EpochBasedTrainLoop):
        if old.together != new.together and old.together and new.together:
            raise UserError(
                f'expected {old.together} items per iteration, which the {iteration} '
                f'iterations of the checkpoint count, got {new.together} ({new}); '
                f'set train_dataloader.batch_size={old.together // new.processes or 1}'
                f'{_if_uneven(old.together, new.processes)}, or start a new run from '
                'its weights: load_from=FILE, without --resume.'
            )
        return False
    if old.together == new.together and old.images == new.images and new.items:
        new = _keep_epochs(runner, old, new)
    done = iteration - epoch * old.batches
    if not 0 <= done <= old.batches:
        raise UserError(
            f'expected a checkpoint of epoch {epoch} between iterations '
            f'{epoch * old.batches} and {(epoch + 1) * old.batches}, got {iteration}; '
            'resume with the batch size and the number of processes of its run.'
        )
    moved = old.batches != new.batches
    if moved or (old.together != new.together and old.together):
        done = _same_share(done, old, new)
        loop._iter = epoch * new.batches + done
        runner.logger.warning(
            f'The checkpoint was saved with {old}; this run has {new}. It goes on at '
            f'batch {done} of epoch {epoch + 1}, iteration {loop.iter} instead of '
            f'{iteration}; all schedules are set to that place.'
        )
        return True
    if old.processes != new.processes and old.batch_size:
        runner.logger.info(
            f'The checkpoint was saved with {old}; this run has {new}: the same items '
            'follow in the same order.'
        )
    return False


def _if_uneven(together: int, processes: int) -> str:
    if together % processes == 0:
        return ''
    return f' on a number of processes that divides {together}'


def _saved_batching(
    state: dict[str, Any], new: Batching, epoch: int, iteration: int, file: str
) -> Batching:
    if 'batching' in state:
        return Batching(**state['batching'])
    # Of an earlier version: only at the end of an epoch its length can be told.
    at_end = epoch > 0 and iteration % epoch == 0
    if at_end and not Path(file).name.startswith('iter_'):
        return Batching(iteration // epoch)
    return Batching(new.batches)


def _keep_epochs(runner: Any, old: Batching, new: Batching) -> Batching:
    """Fill epochs up as the other number of processes did."""
    loop = runner.train_loop
    sampler = sampler_of(loop.dataloader)
    if not sampler.round_up or old.items == new.items:
        return new
    sampler.set_length(old.items)
    if len(loop.dataloader) != old.batches:
        sampler.set_length(old.batches * old.together)
    loop._max_iters = loop.max_epochs * len(loop.dataloader)
    return batching_of(runner)


def _same_share(done: int, old: Batching, new: Batching) -> int:
    """Return the batches of an epoch that hold what ``done`` of the old ones held."""
    if done in (0, old.batches):
        return new.batches if done else 0
    if old.together and new.together:
        return min(done * old.together // new.together, new.batches)
    return math.floor(done / old.batches * new.batches)
