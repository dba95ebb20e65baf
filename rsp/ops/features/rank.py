"""Count the directions that features use."""

import torch
from torch import Tensor

from rsp.ops import check


def effective_rank(features: Tensor) -> Tensor:
    r"""Compute the exponential of the entropy of the singular values, RankMe.

    .. math::
        p_k = \sigma_k / \sum_l \sigma_l,\qquad
        \mathrm{rank} = \exp\Big(-\sum_k p_k \log p_k\Big)

    Garrido et al., "RankMe: Assessing the Downstream Performance of Pretrained
    Self-Supervised Representations by Their Rank", ICML 2023,
    https://arxiv.org/abs/2210.02885, Sec. 3. As there, nothing is centered, so a mean
    that all images share is one direction more, and no image a higher rank than N.

    Args:
        features: Shape (N, D).

    Returns:
        Scalar in float64, from 1 to min(N, D); 0 if all features are 0, NaN if one
        is not finite.

    Raises:
        UserError: If there are no two dimensions.
    """
    check.equal('dimensions of the features,', features.ndim, 2, 'pool them first')
    # The smaller of the two Gram matrices has the same squared singular values, and
    # takes a hundredth of the time of a singular value decomposition.
    wide = features.double()
    gram = wide @ wide.T if len(wide) <= wide.shape[1] else wide.T @ wide
    finite = gram.isfinite().all()
    # LAPACK may not return from NaN.
    gram = torch.where(finite, gram, torch.zeros_like(gram))
    values = torch.linalg.eigvalsh(gram).clamp(min=0).sqrt()
    shares = values / values.sum().clamp(min=torch.finfo(values.dtype).tiny)
    rank = torch.special.entr(shares).sum().exp()
    rank = torch.where(values.sum() > 0, rank, torch.zeros_like(rank))
    return torch.where(finite, rank, torch.full_like(rank, torch.nan))
