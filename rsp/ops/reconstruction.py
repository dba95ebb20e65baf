"""Measure the errors of reconstructed images, in pixels and in spectra."""

import torch
from torch import Tensor

from rsp.ops import check
from rsp.ops.precision import upcast


def focal_l1(
    error: Tensor, alpha: float = 0.2, gamma: float = 1.0, residual: bool = False
) -> Tensor:
    r"""Compute the absolute error with small errors weighted down.

    .. math::
        l(d) = |d|\,(2\sigma(\alpha |d|) - 1)^\gamma = |d|\,\tanh(\alpha |d| / 2)^\gamma
        \quad\text{(unnumbered)}

    Focal weight of Yang et al., https://arxiv.org/abs/2102.09554. ``gamma=0`` is the
    plain absolute error.

    Args:
        error: Any shape.
        alpha: Steepness of the weight, 1 / unit of the error.
        gamma: Exponent of the weight, >= 0.
        residual: Whether to return the absolute error plus the focal one.

    Returns:
        Shape and unit of the error.
    """
    # CMID, https://arxiv.org/abs/2304.09670, names its spatial loss L1; its code has
    # this focal one.
    size = error.abs()
    if gamma == 0:
        return 2 * size if residual else size
    weight = torch.tanh(alpha * size / 2)
    focal = size * (weight if gamma == 1 else weight.pow(gamma))
    return size + focal if residual else focal


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Average values over masked pixels and all channels.

    Args:
        values: Shape (N, C, H, W).
        mask: Shape (N, H, W), 1 where masked.

    Returns:
        Scalar, unit of the values; 0 if nothing is masked.
    """
    weight = mask[:, None].to(values.dtype)
    # The divisor is larger by 1e-5 pixels, as in CMID's official code.
    return (values * weight).sum() / (weight.sum() + 1e-5) / values.shape[1]


def focal_spectrum_distance(
    pred: Tensor, target: Tensor, average: bool = True
) -> Tensor:
    r"""Compute the mean squared spectral error, badly fitted frequencies weighted up.

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
        UserError: If the shapes differ.
    """
    check.same_shape('predicted images', pred, 'their targets', target)
    with torch.autocast(pred.device.type, enabled=False):
        error = upcast(pred) - upcast(target)
        if average:
            error = error.mean(dim=0, keepdim=True)
        # The transform is linear: that of the error is the error of the transforms.
        power = torch.view_as_real(torch.fft.fft2(error, norm='ortho')).square().sum(-1)
        weight = power.detach().sqrt().log1p()
        # The official code gives 0/0 for a perfect fit and replaces the NaN.
        weight = weight / weight.max().clamp_min(torch.finfo(weight.dtype).tiny)
        return (weight * power).mean()


def relative_error(clean: Tensor, masked: Tensor, reconstructed: Tensor) -> Tensor:
    """Compute the error of masked pixels relative to that of their mean fill.

    Args:
        clean: Images, shape (N, C, H, W).
        masked: The same with masked patches filled with the image's mean color.
        reconstructed: The same with masked patches reconstructed.

    Returns:
        Ratio of the mean absolute errors: 0 is perfect, 1 no better than the fill; NaN
        if the fill is perfect itself.
    """
    # Visible pixels are the same in all three and add nothing.
    return (reconstructed - clean).abs().sum() / (masked - clean).abs().sum()
