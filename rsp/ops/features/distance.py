"""Compare sets of features: their Gaussians, and their similarities."""

import torch
from torch import Tensor

from rsp.ops import check


def frechet_distance(first: Tensor, second: Tensor) -> Tensor:
    r"""Compute the squared Frechet distance of the Gaussians of two sets.

    .. math::
        \lVert \mu_1 - \mu_2 \rVert^2 + \mathrm{tr}\big(\Sigma_1 + \Sigma_2
        - 2 (\Sigma_1^{1/2} \Sigma_2 \Sigma_1^{1/2})^{1/2}\big)

    Dowson and Landau, 1982; of image features Heusel et al., NeurIPS 2017,
    https://arxiv.org/abs/1706.08500. It is biased upwards where there are few images
    for their dimensions: compare sets of the same sizes alone.

    Args:
        first: Shape (N, D).
        second: Shape (M, D).

    Returns:
        Scalar, float64, 0 or more, squared units of the features.
    """
    check.equal('dimensions of the sets,', second.shape[1], first.shape[1],
                'take features of one layer')  # fmt: skip
    one, two = first.double(), second.double()
    between = (one.mean(dim=0) - two.mean(dim=0)).square().sum()
    covariances = torch.cov(one.T), torch.cov(two.T)
    values, vectors = torch.linalg.eigh(covariances[0])
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    mixed = torch.linalg.eigvalsh(root @ covariances[1] @ root).clamp(min=0).sqrt()
    within = covariances[0].trace() + covariances[1].trace() - 2 * mixed.sum()
    return (between + within).clamp(min=0)


def linear_cka(first: Tensor, second: Tensor) -> Tensor:
    r"""Compute the centered kernel alignment of two features of the same images.

    .. math::
        \frac{\lVert Y^\top X \rVert_F^2}
             {\lVert X^\top X \rVert_F \lVert Y^\top Y \rVert_F}

    of centered features. Kornblith et al., "Similarity of Neural Network
    Representations Revisited", ICML 2019, https://arxiv.org/abs/1905.00414, Eq. 3 with
    a linear kernel.

    Args:
        first: X, shape (N, D).
        second: Y, shape (N, E), of the same images in the same order.

    Returns:
        Scalar, float64, 0 to 1; 1 if one is a rotation or scaling of the other.
    """
    check.equal('number of images,', len(second), len(first), 'take the same images')
    one, two = (x.double() - x.double().mean(dim=0) for x in (first, second))
    # By the images' Gram matrices, the same numbers, where features are more.
    grams = one @ one.T, two @ two.T
    return (grams[0] * grams[1]).sum() / (grams[0].norm() * grams[1].norm())
