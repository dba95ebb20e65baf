"""Classify by a weighted vote of the k nearest neighbors."""

import torch
from torch import Tensor
from torch.nn import functional as F

from rsp.ops import check
from rsp.registry import METRICS


def knn_scores(
    bank: Tensor,
    bank_labels: Tensor,
    queries: Tensor,
    num_classes: int,
    k: int = 20,
    temperature: float = 0.07,
    chunk_size: int = 1024,
) -> Tensor:
    r"""Compute the share of each class in the vote of the k most similar images.

    .. math::
        s_c = \sum_{i \in \mathcal N_k,\ y_i = c} e^{\cos_i / \tau} \Big/
              \sum_{i \in \mathcal N_k} e^{\cos_i / \tau}

    where :math:`\mathcal N_k` are the k bank features of highest cosine with the
    query. Wu et al., "Unsupervised Feature Learning via Non-Parametric Instance
    Discrimination", CVPR 2018, https://arxiv.org/abs/1805.01978, Sec. 3.4; used with
    k = 20 and tau = 0.07 by DINO, https://arxiv.org/abs/2104.14294. Those do not
    divide by the sum, which changes no ranking.

    Args:
        bank: Training features, shape (M, C).
        bank_labels: Their class indices 0..K-1, shape (M,).
        queries: Features to classify, shape (N, C).
        num_classes: K.
        k: Number of voters, 1..M.
        temperature: Divides the cosines (no unit), > 0.
        chunk_size: Queries compared at once; memory grows with chunk_size times M.

    Returns:
        Shape (N, K), rows sum to 1.

    Raises:
        UserError: If k or the temperature is out of range, or a label is.
    """
    check.between('k, the number of neighbors,', k, 1, len(bank))
    check.positive('temperature', temperature)
    for label in (bank_labels.min().item(), bank_labels.max().item()):
        check.between('labels', label, 0, num_classes - 1)
    bank = F.normalize(bank, dim=1)
    scores = []
    for chunk in queries.split(chunk_size):
        cosines, neighbors = (F.normalize(chunk, dim=1) @ bank.T).topk(k)  # (n, k)
        # The paper's exp(cos / tau) as a softmax, which does not overflow.
        votes = (cosines / temperature).softmax(dim=1)
        empty = votes.new_zeros(len(chunk), num_classes)
        scores.append(empty.scatter_add(1, bank_labels[neighbors], votes))
    return torch.cat(scores)


@METRICS.register_module()
class KNNProbe:
    """Hold the arguments of :func:`knn_scores` under the name ``knn``."""

    name = 'knn'

    def __init__(
        self, k: int = 20, temperature: float = 0.07, chunk_size: int = 1024
    ) -> None:
        self.k = k
        self.temperature = temperature
        self.chunk_size = chunk_size

    def __call__(
        self, train: Tensor, train_labels: Tensor, test: Tensor, num_classes: int
    ) -> Tensor:
        """Compute the scores of the test features, shape (N, K)."""
        return knn_scores(
            train,
            train_labels,
            test,
            num_classes,
            self.k,
            self.temperature,
            self.chunk_size,
        )
