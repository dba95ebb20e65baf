"""Estimate the batch-norm statistics of a backbone again from given images."""

from collections.abc import Iterable

import torch
from mmengine import dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import update_bn

from rsp.errors import UserError


def reestimate_batch_norm(
    backbone: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    device: str | torch.device = 'cpu',
) -> None:
    """Replace all running means and variances by averages over the batches.

    A random network has running statistics of (0, 1) that fit no image, so a probe of
    it would measure their mismatch. Here each layer gets the plain mean over batches
    (PyTorch's ``momentum=None``); with several processes, the mean over these as well.

    Args:
        backbone: Changed in place; its mode is put back.
        batches: Pairs of images (N, 3, H, W), normalized, and anything. Mix the classes
            in each batch: sorted ones have too small a variance.
        device: Where the backbone is.

    Raises:
        UserError: If there is no batch.
    """
    norms = [module for module in backbone.modules() if isinstance(module, _BatchNorm)]
    update_bn(batches, backbone, device=torch.device(device))
    for norm in norms:
        if norm.num_batches_tracked == 0:
            raise UserError('expected at least one batch of images, got none.')
        dist.all_reduce(norm.running_mean, 'mean')
        dist.all_reduce(norm.running_var, 'mean')
