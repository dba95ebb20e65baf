"""Map where a network looks, and measure whether that is where the objects are."""

import torch
from torch import Tensor

from rsp.ops import check


def grad_cam(activations: Tensor, gradients: Tensor) -> Tensor:
    r"""Compute gradient-weighted class-activation maps.

    .. math::
        L = \mathrm{ReLU}\Big(\sum_k \alpha_k A^k\Big),\qquad
        \alpha_k = \frac1{hw} \sum_{ij} \frac{\partial y}{\partial A^k_{ij}}

    Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via
    Gradient-based Localization", ICCV 2017, https://arxiv.org/abs/1610.02391, Eq. 1
    and 2. Behind a mean over positions and a linear layer it is the map of
    Zhou et al., CVPR 2016, https://arxiv.org/abs/1512.04150, over hw.

    Args:
        activations: A, shape (N, C, h, w).
        gradients: Of the score y of each image by them, same shape.

    Returns:
        Shape (N, h, w), 0 or more.
    """
    check.same_shape('gradients', gradients, 'the activations', activations)
    weights = gradients.mean(dim=(2, 3), keepdim=True)
    return (weights * activations).sum(dim=1).relu()


def eigen_cam(activations: Tensor) -> Tensor:
    """Project the activations of each image on their first principal direction.

    Muhammad and Yeasin, "Eigen-CAM: Class Activation Map using Principal Components",
    IJCNN 2020, https://arxiv.org/abs/2008.00299; nothing is centered, as there. A
    singular vector has no sign: it is chosen so that the map has a positive sum, which
    for activations behind a ReLU makes all of it positive. (Libraries that leave the
    sign to the decomposition show some images inverted.)

    Args:
        activations: Shape (N, C, h, w).

    Returns:
        Shape (N, h, w), 0 or more: what is below is cut off.
    """
    flat = activations.flatten(2).transpose(1, 2)  # (N, hw, C)
    _, _, directions = torch.linalg.svd(flat.double(), full_matrices=False)
    maps = (flat.double() @ directions[:, 0, :, None])[..., 0]  # (N, hw)
    maps = maps * maps.sum(dim=1, keepdim=True).sign()
    return maps.relu().to(activations.dtype).unflatten(1, activations.shape[2:])


def energy_inside(saliency: Tensor, inside: Tensor) -> Tensor:
    """Compute the share of a map's sum that lies on objects.

    The energy-based pointing game of Wang et al., "Score-CAM", CVPR Workshops 2020,
    https://arxiv.org/abs/1910.01279. A map of one value has the objects' share of the
    area, and so is counted a map of zeros, which prefers no place.

    Args:
        saliency: Shape (H, W), 0 or more.
        inside: Shape (H, W), bool, True on objects.

    Returns:
        Scalar, 0 to 1.
    """
    if not saliency.any():
        saliency = torch.ones_like(saliency)
    saliency = saliency.double()
    return saliency[inside].sum() / saliency.sum()


def points_inside(saliency: Tensor, inside: Tensor) -> bool:
    """Tell whether the highest place of a map is on an object: the pointing game.

    Zhang et al., "Top-down Neural Attention by Excitation Backprop", ECCV 2016,
    https://arxiv.org/abs/1608.00507, without its tolerance of 15 pixels, which on
    aerial images spans whole objects. A map of one value points nowhere.

    Args:
        saliency: Shape (H, W).
        inside: Shape (H, W), bool, True on objects.
    """
    highest = saliency == saliency.max()
    return not bool(highest.all()) and bool(inside[highest].all())
