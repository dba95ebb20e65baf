"""How far a reconstruction is from its image."""

import torch
from torch import Tensor, nn

from rsp.ops.masking import masked_mean
from rsp.ops.pixel_error import focal_l1
from rsp.ops.spectrum import focal_spectrum_distance
from rsp.registry import MODELS


@MODELS.register_module()
class FocalL1Loss(nn.Module):
    """Focal absolute error of the hidden pixels, see :func:`rsp.ops.pixel_error`.

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
        """Mean over hidden pixels.

        Args:
            pred: Shape (N, C, H, W).
            target: Same shape.
            mask: Shape (N, H, W), 1 where hidden.
        """
        full = torch.promote_types(pred.dtype, torch.float32)
        error = pred.to(full) - target.to(full)
        return masked_mean(focal_l1(error, self.alpha, self.gamma, self.residual), mask)


@MODELS.register_module()
class FocalFrequencyLoss(nn.Module):
    r"""Focal spectral distance, which visible pixels hardly take part in.

    A spectrum needs whole images. Where a pixel is visible, the prediction y gives way
    to the mean of itself and of the image x, with a small share of the gradient:

    .. math::
        y' = s\,y + (1 - s)\left(\tfrac12 \operatorname{sg}(y) + \tfrac12 x\right)

    (the official code's "mixed" replacement).

    Args:
        average_spectrum: Whether the spectra of a batch are averaged first, as
            published. The statistics are those of this process.
        visible_share: s, share of the gradient at visible pixels.
    """

    def __init__(
        self, average_spectrum: bool = True, visible_share: float = 0.001
    ) -> None:
        super().__init__()
        self.average_spectrum = average_spectrum
        self.visible_share = visible_share

    def forward(self, pred: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """Weighted mean of the squared spectral error.

        Args:
            pred: Shape (N, C, H, W).
            target: Same shape.
            mask: Shape (N, H, W), 1 where hidden.
        """
        share = self.visible_share
        half = 0.5 * pred.detach() + 0.5 * target
        visible = share * pred + (1 - share) * half
        seen = torch.where(mask[:, None].bool(), pred.to(visible.dtype), visible)
        return focal_spectrum_distance(seen, target, self.average_spectrum)
