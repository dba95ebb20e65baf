"""Refuse batches that cannot train a model, once both are built."""

import logging
from typing import Any

from mmengine.dataset import InfiniteSampler
from mmengine.logging import print_log
from mmpretrain.models.selfsup import DenseCL, MoCo
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import DataLoader

from rsp.engine.auto_scale_lr import batch_size_of, sample_unit
from rsp.engine.distributed import unwrap_model
from rsp.engine.preflight.levels import compare_levels
from rsp.errors import UserError
from rsp.models.modules.passes import Passes
from rsp.models.modules.sync_batch_norm import CPUSyncBatchNorm


def check_training(
    model: nn.Module, loader: DataLoader, processes: int, accumulated: int = 1
) -> None:
    """Ask whether a model can train on the batches of a loader.

    Methods answer by an optional ``preflight(dataset, batch_size)``, which raises
    `UserError` with the numbers that do not fit; the batch size is that of a step of
    all processes and accumulated passes. mmpretrain's methods, which have none, are
    asked here.

    Args:
        model: The model, wrapped for several processes or not.
        loader: Loader of the training, of this process.
        processes: Processes that train together.
        accumulated: Passes per step of the optimizer.

    Raises:
        UserError: If an epoch has no step, batch norm would see a single image, or
            the method refuses. A detector whose anchors are not of its feature maps
            raises it in its first pass.
    """
    model = unwrap_model(model)
    size = batch_size_of(loader)
    _refuse_empty_epoch(loader, size, processes)
    if size == 1 and any(_needs_a_batch(m, processes) for m in model.modules()):
        raise UserError(
            'expected at least 2 images per process for batch norm, got '
            'train_dataloader.batch_size=1; raise it to 2 or more.'
        )
    # Feature maps have several pixels to normalize by, vectors have not.
    vectors = any(isinstance(m, nn.BatchNorm1d) for m in model.modules())
    if vectors and _last_batch(loader, size) == 1:
        raise UserError(
            'expected at least 2 images per process for batch norm, got 1 in the last '
            f'batch of an epoch of {len(_sampler_of(loader))}; set '
            'train_dataloader.drop_last=True.'
        )
    # Ours, which is told of passes, wraps around.
    if isinstance(model, MoCo | DenseCL) and not isinstance(model, Passes):
        _check_divided_queue(model.queue_len, loader, size, processes)
    compare_levels(model)
    ask: Any = getattr(model, 'preflight', None)
    if ask is not None:
        ask(loader.dataset, size * processes * accumulated)
    _warn_of_long_queue(model, loader.dataset)


def _needs_a_batch(module: nn.Module, processes: int) -> bool:
    """Tell batch norm of this process's own images, which one image does not do for."""
    synchronized = isinstance(module, nn.SyncBatchNorm | CPUSyncBatchNorm)
    return isinstance(module, _BatchNorm) and not (synchronized and processes > 1)


def _sampler_of(loader: DataLoader) -> Any:
    """Return the sampler of single items; a batch sampler holds it, if there is one."""
    return getattr(loader.batch_sampler, 'sampler', None) or loader.sampler


def _refuse_empty_epoch(loader: DataLoader, size: int, processes: int) -> None:
    endless = isinstance(_sampler_of(loader), InfiniteSampler)
    if endless or not hasattr(loader.dataset, '__len__') or len(loader) > 0:
        return
    items, unit = len(loader.dataset), sample_unit(loader.dataset)
    each = items // processes
    remedy = f'set train_dataloader.batch_size to {each} or less' if each else ''
    remedy = remedy or 'start fewer processes, or give more images'
    raise UserError(
        f'an epoch has no step: expected at least train_dataloader.batch_size={size} '
        f'{unit} for each of {processes} processes, got {items} in all; {remedy}.'
    )


def _check_divided_queue(
    length: int, loader: DataLoader, size: int, processes: int
) -> None:
    """Refuse what the queue of mmpretrain's MoCo and DenseCL stops at.

    They write the keys of a step into one piece of the queue, and assert that all
    pieces have one length.
    """
    keys = size * processes
    if length % keys:
        lower, upper = length // keys * keys, -(-length // keys) * keys
        most = length // processes
        sizes = [n for n in range(2, most + 1) if length % (n * processes) == 0]
        near = sorted(sorted(sizes, key=lambda n: abs(n - size))[:2])
        batches = ' or '.join(map(str, near))
        queues = ' or '.join(str(n) for n in (lower, upper) if n)
        raise UserError(
            'expected model.queue_len to be a multiple of the keys of a step, got '
            f'{length} and {size} images × {processes} processes = {keys}; set '
            f'model.queue_len to {queues}'
            + (f', or train_dataloader.batch_size to {batches}.' if near else '.')
        )
    last = _last_batch(loader, size)
    if last != size:
        raise UserError(
            f'expected full batches, for model.queue_len={length} takes {keys} keys '
            f'a step, got a last batch of {last} images; set '
            'train_dataloader.drop_last=True.'
        )


def _last_batch(loader: DataLoader, size: int) -> int:
    """Return the items of an epoch's last batch, as far as they can be counted."""
    sampler = _sampler_of(loader)
    whole = getattr(loader.batch_sampler, 'drop_last', loader.drop_last)
    if whole or isinstance(sampler, InfiniteSampler) or not hasattr(sampler, '__len__'):
        return size
    return len(sampler) % size or size


def _warn_of_long_queue(model: nn.Module, dataset: Any) -> None:
    """Warn if images stay in the queue longer than an epoch: their own negatives."""
    queue = getattr(model, 'queue', None)
    length = getattr(model, 'queue_len', getattr(queue, 'length', None))
    source = getattr(dataset, 'sources', {}).get('remote', dataset)
    if not isinstance(length, int) or not hasattr(source, '__len__'):
        return
    keys = len(source) * getattr(model, 'keys_per_image', 1)
    if length > keys:
        print_log(
            f'the queue of {length} keys is longer than an epoch, {keys} keys of '
            f'{len(source)} images: old keys of an image become its own negatives; '
            f'shorten it to {keys} or less.',
            logger='current',
            level=logging.WARNING,
        )
