"""Fit a multinomial logistic regression to frozen features."""

import warnings
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from rsp.errors import UserError
from rsp.ops import check
from rsp.registry import METRICS


class LinearClassifier(NamedTuple):
    """Store weights (K, C) and biases (K,) in float64."""

    weight: Tensor
    bias: Tensor

    def logits(self, features: Tensor) -> Tensor:
        """Compute the logits of features (N, C), shape (N, K)."""
        return features.to(self.weight.dtype) @ self.weight.T + self.bias


def penalized_loss(
    classifier: LinearClassifier, features: Tensor, labels: Tensor, l2: float
) -> Tensor:
    r"""Compute the mean cross-entropy plus :math:`\frac{l2}{2} \lVert W \rVert^2`.

    Biases are free of the penalty.

    Args:
        classifier: Weights (K, C) and biases (K,).
        features: Shape (N, C).
        labels: Classes 0..K-1, shape (N,).
        l2: Weight of the penalty; scikit-learn's C is 1 / (N l2).

    Returns:
        Scalar.
    """
    fit = F.cross_entropy(classifier.logits(features), labels)
    return fit + l2 / 2 * classifier.weight.square().sum()


def fit_linear(
    features: Tensor,
    labels: Tensor,
    num_classes: int,
    l2: float = 1e-3,
    max_iter: int = 1000,
    tolerance_change: float = 0,
) -> LinearClassifier:
    """Minimize :func:`penalized_loss` from zero by full-batch L-BFGS.

    The loss is strictly convex in the weights, so there is one answer: no random
    number, learning rate or number of epochs can favor a backbone.

    Args:
        features: Training features, shape (N, C), standardized.
        labels: Classes 0..K-1, shape (N,).
        num_classes: K.
        l2: Weight of the penalty, > 0.
        max_iter: Most steps; a warning says if they did not suffice.
        tolerance_change: Stop, without a warning, where the loss changes less; 0 lets
            only the gradient decide.

    Returns:
        The fitted classifier.

    Raises:
        UserError: If l2 is not positive, a label is out of range, or a class has no
            training image.
    """
    # Without a penalty, separable classes have no minimum.
    check.positive('l2', l2)
    _refuse_missing_classes(labels, num_classes)

    # Double precision lets the gradient fall to the tolerance below.
    features = features.detach().double()
    classifier = LinearClassifier(
        features.new_zeros(num_classes, features.shape[1]).requires_grad_(),
        features.new_zeros(num_classes).requires_grad_(),
    )
    optimizer = torch.optim.LBFGS(
        classifier,
        max_iter=max_iter,
        max_eval=2 * max_iter,
        tolerance_grad=1e-6,
        tolerance_change=tolerance_change,
        line_search_fn='strong_wolfe',
    )

    def evaluate() -> float:
        optimizer.zero_grad()
        loss = penalized_loss(classifier, features, labels, l2)
        loss.backward()
        return loss.item()

    with torch.enable_grad():
        optimizer.step(evaluate)
        loss = penalized_loss(classifier, features, labels, l2)
    slope = max(g.abs().max().item() for g in torch.autograd.grad(loss, classifier))
    if slope > 1e-4 and not tolerance_change:
        warnings.warn(
            f'the linear probe stopped at slope {slope:.1e} after {max_iter} steps; '
            'raise max_iter or l2.',
            stacklevel=2,
        )
    return LinearClassifier(*(part.detach() for part in classifier))


def _refuse_missing_classes(labels: Tensor, num_classes: int) -> None:
    for label in (labels.min().item(), labels.max().item()):
        check.between('labels', label, 0, num_classes - 1)
    missing = (torch.bincount(labels, minlength=num_classes) == 0).nonzero()[:, 0]
    if len(missing):
        raise UserError(
            f'no training image of class {missing.tolist()} of 0..{num_classes - 1}; '
            'a linear probe needs at least one of each. Check the training folder of '
            'the probe.'
        )


@METRICS.register_module()
class LinearProbe:
    """Hold the arguments of :func:`fit_linear` under the name ``linear``."""

    name = 'linear'

    def __init__(self, l2: float = 1e-3, max_iter: int = 1000) -> None:
        self.l2 = l2
        self.max_iter = max_iter

    def __call__(
        self, train: Tensor, train_labels: Tensor, test: Tensor, num_classes: int
    ) -> Tensor:
        """Compute the logits of the test features, shape (N, K)."""
        classifier = fit_linear(
            train, train_labels, num_classes, self.l2, self.max_iter
        )
        return classifier.logits(test)
