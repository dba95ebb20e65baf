"""Distances between the spectra of images."""

import torch
from torch import Tensor

from rsp.errors import UserError


def focal_spectrum_distance(
    pred: Tensor, target: Tensor, average: bool = True
) -> Tensor:
    r"""Mean squared spectral error, badly fitted frequencies weighted up.

    .. math::
        D = |\hat y - \hat x|,\qquad w = \frac{\log(1 + D)}{\max \log(1 + D)},\qquad
        \text{out} = \operatorname{mean}(w\,D^2)

    with orthonormal 2-D Fourier transforms; the maximum runs over all images, channels
    and frequencies, and w carries no gradient. Focal Frequency Loss, Jiang et al.,
    ICCV 2021, https://arxiv.org/abs/2012.12821, with logarithmic weights and one
    maximum for all, as CMID and A2MIM set it.

    As published for CMID, spectra are averaged over the batch before they are compared:
    as the transform is linear, only the batch's mean error image counts, and errors of
    opposite sign in two images cancel. ``average=False`` compares image by image.

    Computed in at least float32, also under autocast. A perfect fit gives 0.

    Args:
        pred: Shape (N, C, H, W).
        target: Same shape and unit.
        average: Whether to average the spectra over the batch.

    Returns:
        Scalar, squared unit of the images; at most the mean squared error of what is
        compared (Parseval).

    Raises:
        ValueError: If the shapes differ.
    """
    if pred.shape != target.shape:
        raise UserError(
            f'expected images of one shape to compare, got {tuple(pred.shape)} and '
            f'{tuple(target.shape)}.'
        )
    full = torch.promote_types(pred.dtype, torch.float32)
    with torch.autocast(pred.device.type, enabled=False):
        error = pred.to(full) - target.to(full)
        if average:
            error = error.mean(dim=0, keepdim=True)
        # The transform is linear: that of the error is the error of the transforms.
        power = torch.view_as_real(torch.fft.fft2(error, norm='ortho')).square().sum(-1)
        weight = power.detach().sqrt().log1p()
        weight = weight / weight.max().clamp_min(torch.finfo(full).tiny)
        return (weight * power).mean()
