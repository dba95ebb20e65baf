"""Batch samples in the worker that loads them."""

from typing import Any

import torch
from mmengine.dataset import default_collate
from mmpretrain.structures import DataSample

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
        ``inputs``: (N, C, H, W), or a list of views of that shape. ``data_samples``:
        one DataSample with ``gt_label`` (N,) and every other tensor field stacked to
        (N, ...), where all samples have it, and ``img_path``, the list of files.

    Raises:
        UserError: If the images differ in size or number of views.
    """
    infos = [sample['data_samples'] for sample in samples]
    try:
        inputs = default_collate([sample['inputs'] for sample in samples])
    except RuntimeError as error:
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
