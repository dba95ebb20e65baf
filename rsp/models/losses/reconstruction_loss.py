"""Compare a reconstruction with its image."""

from typing import Any

import torch
from mmengine.dist import all_gather, get_rank, get_world_size
from torch import Tensor, nn

from rsp.ops.precision import upcast
from rsp.ops.reconstruction import focal_l1, focal_spectrum_distance, masked_mean
from rsp.registry import MODELS


@MODELS.register_module()
class FocalL1Loss(nn.Module):
    """Compute the focal absolute error of masked pixels.

    See :func:`rsp.ops.reconstruction.focal_l1`.

    Args:
        alpha: Steepness of the weight.
        gamma: Exponent of the weight; 0 gives the plain absolute error.
        residual: Whether to add the plain absolute error.
    """

    def __init__(
        self, alpha: float = 0.2, gamma: float = 1.0, residual: bool = False
    ) -> None:
        super().__init__()
        self.alpha, self.gamma, self.residual = alpha, gamma, residual

    def forward(self, pred: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """Average over masked pixels.

        Args:
            pred: Shape (N, C, H, W).
            target: Same shape.
            mask: Shape (N, H, W), 1 where masked.
        """
        error = upcast(pred) - upcast(target)
        return masked_mean(focal_l1(error, self.alpha, self.gamma, self.residual), mask)


@MODELS.register_module()
class FocalFrequencyLoss(nn.Module):
    r"""Compute the focal spectral distance, in which visible pixels hardly take part.

    See :func:`rsp.ops.reconstruction.focal_spectrum_distance`.

    A spectrum needs whole images. Where a pixel is visible, the prediction y gives way
    to the mean of itself and of the image x, with a small share of the gradient:

    .. math::
        y' = s\,y + (1 - s)\left(\tfrac12 \operatorname{sg}(y) + \tfrac12 x\right)

    Args:
        average_spectrum: Whether the spectra of a batch are averaged first, as
            published.
        visible_share: s, share of the gradient at visible pixels.
        over_processes: Whether the batch, of mean and largest weight, is that of all
            processes, which have to bring as many images each. As published it is that
            of each process, and the loss then depends on their number.
    """

    def __init__(
        self,
        average_spectrum: bool = True,
        visible_share: float = 0.001,
        over_processes: bool = False,
    ) -> None:
        super().__init__()
        self.average_spectrum = average_spectrum
        self.visible_share = visible_share
        self.over_processes = over_processes

    def forward(self, pred: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """Compute the weighted mean of the squared spectral error.

        Args:
            pred: Shape (N, C, H, W).
            target: Same shape.
            mask: Shape (N, H, W), 1 where masked.
        """
        # The "mixed" replacement of the official code.
        share = self.visible_share
        half = 0.5 * pred.detach() + 0.5 * target
        visible = share * pred + (1 - share) * half
        seen = torch.where(mask[:, None].bool(), pred.to(visible.dtype), visible)
        if not self.over_processes or get_world_size() == 1:
            return focal_spectrum_distance(seen, target, self.average_spectrum)
        error = upcast(seen) - upcast(target)
        if self.average_spectrum:
            # As the means are linear, so little has to travel.
            error = error.mean(dim=0, keepdim=True)
        errors: Tensor = _Gather.apply(  # type: ignore[no-untyped-call]
            error.contiguous()
        )
        return focal_spectrum_distance(
            errors, torch.zeros_like(errors), self.average_spectrum
        )


class _Gather(torch.autograd.Function):
    """Concatenate the tensors of all processes, which all compute one loss of them.

    So each knows the gradient of every part. That of the sum of their losses, which
    DistributedDataParallel divides by their number, is so many times it.
    """

    @staticmethod
    def forward(ctx: Any, part: Tensor) -> Tensor:
        ctx.length = len(part)
        return torch.cat(all_gather(part))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        start = ctx.length * get_rank()
        return get_world_size() * grad[start : start + ctx.length]
