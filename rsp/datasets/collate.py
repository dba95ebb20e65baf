"""Batch samples in the worker that loads them."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.dataset import default_collate
from mmpretrain.structures import DataSample
from torch import Tensor
from torch.utils.data import get_worker_info

from rsp.errors import UserError
from rsp.registry import FUNCTIONS


@FUNCTIONS.register_module()
def stacked_collate(samples: list[dict[str, Any]]) -> dict[str, Any]:
    """Batch images and put what belongs to them into one DataSample.

    So that no step loops over samples, and few tensors travel to the device.

    Args:
        samples: Each holds ``inputs``, an image (C, H, W) or a list of views, and
            ``data_samples``.

    Returns:
        ``inputs``: (N, C, H, W), or a list of views of that shape; images for
        ``rsp.DeviceViews`` are padded with 0 to one size. ``data_samples``:
        one DataSample with ``gt_label`` (N,) and every other tensor field stacked to
        (N, ...), where all samples have it, and ``img_path``, the list of files.

    Raises:
        UserError: If the images differ in size or number of views.
    """
    infos = [sample['data_samples'] for sample in samples]
    try:
        images = [sample['inputs'] for sample in samples]
        padded = 'frame' in infos[0]
        inputs = stack_padded(images) if padded else _stack(images)
    except (RuntimeError, ValueError) as error:
        raise UserError(
            f'the images differ in size or number of views ({error}); end the pipeline '
            'with a crop or resize to one size. Files: '
            f'{[info.get("img_path") for info in infos[:3]]}, ...'
        ) from error
    batch = DataSample(metainfo=dict(img_path=[info.get('img_path') for info in infos]))
    for name in infos[0].keys():
        values = [info.get(name) for info in infos]
        if name == 'gt_label' and all(value is not None for value in values):
            batch.set_gt_label(torch.cat(values))
        elif all(isinstance(value, torch.Tensor) for value in values):
            batch.set_field(torch.stack(values), name)
    return dict(inputs=inputs, data_samples=batch)


def _stack(images: Sequence[Any]) -> Any:
    """Batch images, or views one by one, in the order in which they lie in memory."""
    first = images[0]
    if isinstance(first, list):
        return [_stack(views) for views in zip(*images, strict=True)]
    if first.ndim != 3 or not first.permute(1, 2, 0).is_contiguous():
        return default_collate(images)
    rows = [image.permute(1, 2, 0) for image in images]
    stacked = _empty((len(rows), *rows[0].shape), first.dtype)
    return torch.stack(rows, out=stacked).permute(0, 3, 1, 2)


def stack_padded(images: Sequence[Tensor]) -> Tensor:
    """Stack images of any sizes, padded with 0 on the right and below.

    In one copy, in a worker into the memory that the main process reads, and channel by
    channel of a pixel, as they are decoded.

    Args:
        images: Shape (C, h, w), of one type.

    Returns:
        Shape (N, C, H, W).

    Raises:
        RuntimeError: If channels or types differ.
    """
    if len({(image.shape[0], image.dtype) for image in images}) > 1:
        kinds = [f'{image.shape[0]} bands of {image.dtype}' for image in images]
        raise RuntimeError(f'expected bands of one number and type, got {kinds}')
    sizes = [tuple(image.shape[1:]) for image in images]
    height, width = (max(edges) for edges in zip(*sizes, strict=True))
    stacked = _empty((len(images), height, width, images[0].shape[0]), images[0].dtype)
    rows = stacked.numpy()
    for row, image, (h, w) in zip(rows, images, sizes, strict=True):
        row[:h, :w] = image.permute(1, 2, 0).numpy()
        row[h:] = 0
        row[:h, w:] = 0
    return stacked.permute(0, 3, 1, 2)


def _empty(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Return memory to fill; in a worker shared, as torch's own collate does."""
    if get_worker_info() is None:
        return torch.empty(shape, dtype=dtype)
    count = torch.Size(shape).numel() * dtype.itemsize
    shared = torch.UntypedStorage._new_shared(count)
    return torch.empty(0, dtype=dtype).set_(shared, 0, shape)  # type: ignore[call-overload]
