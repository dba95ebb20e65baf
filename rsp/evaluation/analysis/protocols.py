"""Score frozen features by classifiers: our own two, and torchgeo-bench's."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rsp.errors import UserError
from rsp.evaluation.knn import knn_scores
from rsp.evaluation.linear_probe import LinearClassifier, fit_linear
from rsp.ops import check

NEIGHBORS, TEMPERATURE, L2 = 20, 0.07, 1e-3
# Of the loss, in nats: a smaller change moves no accuracy, and takes most of the time.
CHANGE = 1e-6
# torchgeo-bench 0.4.0, whose documentation tells these.
BENCH_NEIGHBORS, BENCH_BOOTSTRAPS = 5, 200
BENCH_C = np.logspace(-6, 4, 40)
BENCH_CHANGE = 1e-5


def reduce_rows(train: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
    """Rotate features into the space that the training images span.

    A penalized linear classifier has no weight outside of it, and a rotation changes
    neither penalty nor cosines among them: the fit is the same with at most N numbers
    per image.

    Args:
        train: Shape (N, C).
        others: Each (M, C).

    Returns:
        All, with min(N, C) columns.
    """
    if train.shape[1] <= len(train):
        return train, *others
    basis, _ = torch.linalg.qr(train.double().T)  # (C, N)
    return tuple((x.double() @ basis).float() for x in (train, *others))


def accuracies(
    train: Tensor, train_labels: Tensor, test: Tensor, labels: Tensor, num_classes: int
) -> dict[str, float]:
    """Score by kNN-20 and a logistic regression, as `rsp.ProbeLoop` does.

    Args:
        train: Shape (N, C), standardized.
        train_labels: Shape (N,); every class has to occur.
        test: Shape (M, C).
        labels: Shape (M,).
        num_classes: K.

    Returns:
        ``knn`` and ``linear``, top-1 in per cent. With fewer training images than 20,
        all of them vote.
    """
    neighbors = min(NEIGHBORS, len(train))
    votes = knn_scores(train, train_labels, test, num_classes, neighbors, TEMPERATURE)
    fitted, tested = reduce_rows(train, test)
    classifier = fit_linear(
        fitted, train_labels, num_classes, L2, tolerance_change=CHANGE
    )
    logits = classifier.logits(tested)
    return {
        name: 100 * (scores.argmax(dim=1) == labels).double().mean().item()
        for name, scores in (('knn', votes), ('linear', logits))
    }


def majority_vote(
    train: Tensor, labels: Tensor, test: Tensor, num_classes: int, k: int
) -> Tensor:
    """Classify by most of the k nearest in Euclidean distance; ties: the lowest class.

    Args:
        train: Shape (N, C).
        labels: Shape (N,).
        test: Shape (M, C).
        num_classes: K.
        k: Neighbors, at most N.

    Returns:
        Classes, shape (M,).
    """
    near = torch.cdist(test, train).topk(k, largest=False).indices
    votes = torch.nn.functional.one_hot(labels[near], num_classes).sum(dim=1)
    return votes.argmax(dim=1)


def bench_accuracies(
    train: Tensor,
    train_labels: Tensor,
    test: Tensor,
    labels: Tensor,
    num_classes: int,
    seed: int,
) -> dict[str, dict[str, Any]]:
    """Score by the protocol of torchgeo-bench 0.4.0, in per cent.

    kNN-5 by Euclidean distance and majority, and a logistic regression whose C is the
    best of 40 (1e-6 to 1e4) on validation images, fitted again with these; intervals of
    95 % of 200 bootstraps of the test images. Features are taken as they are. Its data
    sets have validation images; here they are a fifth of the training images, drawn
    per class by the seed.

    Returns:
        For ``knn5`` and ``linear``: ``accuracy``, ``low``, ``high``; of linear also
        ``C``.
    """
    near = majority_vote(train, train_labels, test, num_classes, BENCH_NEIGHBORS)
    held = held_out(train_labels.numpy(), seed)
    kept = np.setdiff1d(np.arange(len(train)), held)
    fitted, validated = reduce_rows(train[kept], train[held])
    best, best_score = BENCH_C[0], -1.0
    for c, classifier in _over_grid(fitted, train_labels[kept], num_classes):
        found = classifier.logits(validated).argmax(dim=1)
        score = (found == train_labels[held]).double().mean().item()
        if score > best_score:
            best, best_score = c, score
    fitted, tested = reduce_rows(train, test)
    l2 = 1 / (best * len(train))
    classifier = fit_linear(
        fitted, train_labels, num_classes, l2, tolerance_change=BENCH_CHANGE
    )
    linear = classifier.logits(tested).argmax(dim=1)
    return dict(
        knn5=bootstrap((near == labels).numpy(), seed),
        linear=bootstrap((linear == labels).numpy(), seed) | dict(C=float(best)),
    )


def _over_grid(
    features: Tensor, labels: Tensor, num_classes: int
) -> Iterator[tuple[float, LinearClassifier]]:
    for c in BENCH_C:
        l2 = 1 / (c * len(features))
        yield (
            float(c),
            fit_linear(
                features, labels, num_classes, l2, tolerance_change=BENCH_CHANGE
            ),
        )


def bootstrap(is_right: np.ndarray, seed: int) -> dict[str, float]:
    """Compute the accuracy and its interval of 95 % over bootstraps of the images.

    Args:
        is_right: Shape (M,), bool.
        seed: Of the draws.

    Returns:
        ``accuracy``, ``low`` and ``high``, per cent.
    """
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(is_right), size=(BENCH_BOOTSTRAPS, len(is_right)))
    scores = 100 * is_right[drawn].mean(axis=1)
    low, high = np.percentile(scores, (2.5, 97.5))
    return dict(accuracy=100 * float(is_right.mean()), low=float(low), high=float(high))


def held_out(labels: np.ndarray, seed: int, share: float = 0.2) -> np.ndarray:
    """Draw a share of the images of each class, at least one; indices, ascending.

    Raises:
        UserError: If a class has one image alone.
    """
    rng = np.random.default_rng(seed)
    chosen: list[int] = []
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        if len(members) < 2:
            raise UserError(
                'expected two training images of each class, one of them to validate '
                f'on, got one of class {label}.'
            )
        chosen += members[: max(1, round(share * len(members)))].tolist()
    return np.array(sorted(chosen))


def draw_share(labels: np.ndarray, percent: float, seed: int) -> np.ndarray:
    """Draw a share of the labels, of each class alike and at least one.

    Smaller shares of one seed are parts of larger ones, so that a curve is not torn by
    other draws.

    Args:
        labels: Shape (N,).
        percent: 0 to 100.
        seed: Of the draw.

    Returns:
        Indices, ascending.
    """
    check.between('share of the labels, per cent,', percent, 0, 100)
    rng = np.random.default_rng(seed)
    chosen: list[int] = []
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        chosen += members[: max(1, round(percent / 100 * len(members)))].tolist()
    return np.array(sorted(chosen))
