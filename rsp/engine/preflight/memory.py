"""Refuse batches on CPUs that cannot fit into the memory of the machine."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from rsp.engine.pilot.measuring.resources import available_memory
from rsp.errors import UserError

GB = 1e9
# Of what is counted; attention may keep less, if its kernel fuses its steps.
SURE = 0.8


def refuse_large_batch(model: nn.Module, batch: Any, size: int) -> None:
    """Refuse a batch of which the backbone's part alone does not fit.

    A process that wants more than there is is killed by the system, which tells
    nobody why. What is counted is a lower bound: what the backbone of each process on
    this machine keeps of its largest tensor of images, for the gradient. GPUs refuse
    by themselves.

    Args:
        model: To be trained.
        batch: The first one: images in lists and dicts.
        size: ``train_dataloader.batch_size``.

    Raises:
        UserError: If the machine has less memory left than that.
    """
    backbone = next((m for n, m in model.named_modules() if _is_backbone(n)), None)
    shape, left = largest_shape(batch), available_memory()
    if backbone is None or shape is None or left is None:
        return
    if next(backbone.parameters(), torch.empty(0)).device.type != 'cpu':
        return
    processes = int(os.environ.get('LOCAL_WORLD_SIZE', 1))
    each = SURE * kept_for_gradient(backbone, shape)
    if each * processes > left:
        where, fewer = '', ''
        if processes > 1:
            where = f' in each of {processes} processes'
            fewer = 'start fewer processes, or '
        raise UserError(
            f'expected a batch for the {left / GB:.1f} GB of memory that this machine '
            f'has left, got train_dataloader.batch_size={size}, of which the backbone '
            f'alone keeps {each / GB:.1f} GB{where}; {fewer}lower the batch size.'
        )


def kept_for_gradient(backbone: nn.Module, shape: tuple[int, ...]) -> int:
    """Count what a network keeps of images for its gradient, without computing it.

    Args:
        backbone: Called with images alone.
        shape: Of the images, (N, B, H, W).

    Returns:
        Bytes of all tensors that are saved, weights left out; 0 for a network that
        cannot run on tensors without values.
    """
    weights = {
        name: torch.empty_like(tensor, device='meta').requires_grad_(
            tensor.requires_grad
        )
        for name, tensor in (*backbone.named_parameters(), *backbone.named_buffers())
    }
    own = {tensor.untyped_storage()._cdata for tensor in weights.values()}
    kept: dict[int, Any] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            kept[storage._cdata] = storage
        return tensor

    modes = {module: module.training for module in backbone.modules()}
    # Batch norm neither counts nor asks other processes.
    for module in modes:
        module.training = False
    try:
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            functional_call(backbone, weights, (torch.empty(shape, device='meta'),))
    except (RuntimeError, TypeError, NotImplementedError):
        return 0
    finally:
        for module, mode in modes.items():
            module.training = mode
    return sum(storage.nbytes() for storage in kept.values())


def largest_shape(batch: Any) -> tuple[int, ...] | None:
    """Return the largest shape of images in a batch, (N, B, H, W)."""
    shapes = [*_shapes(batch)]
    return max(shapes, key=lambda shape: torch.Size(shape).numel(), default=None)


def _is_backbone(name: str) -> bool:
    return name.rpartition('.')[2] == 'backbone'


def _shapes(batch: Any) -> Iterator[tuple[int, ...]]:
    if isinstance(batch, Tensor):
        if batch.dim() == 4:
            yield tuple(batch.shape)
    elif isinstance(batch, Mapping):
        for value in batch.values():
            yield from _shapes(value)
    elif isinstance(batch, list | tuple):
        images = [x for x in batch if isinstance(x, Tensor) and x.dim() == 3]
        if images:  # Not yet stacked, of one size or padded to the largest.
            sides = [max(x.shape[axis] for x in images) for axis in (1, 2)]
            yield (len(images), images[0].shape[0], *sides)
        else:
            for value in batch:
                yield from _shapes(value)
