"""Count the pixels of a binary mask that are right and wrong."""

from dataclasses import dataclass

import torch
from torch import Tensor

from rsp.errors import UserError


@dataclass(frozen=True)
class PixelCounts:
    """Pixels of one or more images by what is true and what was predicted.

    Attributes:
        hits: Changed and found.
        misses: Changed and not found.
        false_alarms: Found and not changed.
        rest: Neither.
    """

    hits: int = 0
    misses: int = 0
    false_alarms: int = 0
    rest: int = 0

    def __add__(self, other: 'PixelCounts') -> 'PixelCounts':
        return PixelCounts(
            self.hits + other.hits,
            self.misses + other.misses,
            self.false_alarms + other.false_alarms,
            self.rest + other.rest,
        )

    def scores(self) -> dict[str, float]:
        """Precision, recall, F1 and IoU of change, and overall accuracy, in percent.

        A ratio of nothing by nothing counts 0, as in scikit-learn.
        """
        found, true = self.hits + self.false_alarms, self.hits + self.misses
        return dict(
            F1=_percent(2 * self.hits, found + true),
            IoU=_percent(self.hits, found + self.misses),
            precision=_percent(self.hits, found),
            recall=_percent(self.hits, true),
            accuracy=_percent(self.hits + self.rest, found + self.misses + self.rest),
        )


def count_pixels(predicted: Tensor, truth: Tensor, ignore: int = 255) -> PixelCounts:
    """Compare a predicted mask with the true one.

    Args:
        predicted: 0 or 1, any shape.
        truth: 0, 1 or ``ignore``, same shape.
        ignore: Value of pixels that do not count.

    Raises:
        ValueError: If the shapes differ.
    """
    if predicted.shape != truth.shape:
        raise UserError(
            f'expected a prediction of the size of its truth, {tuple(truth.shape)}, '
            f'got {tuple(predicted.shape)}.'
        )
    known = truth != ignore
    codes = 2 * (truth[known] == 1).long() + (predicted[known] == 1).long()
    rest, false_alarms, misses, hits = torch.bincount(codes, minlength=4).tolist()
    return PixelCounts(hits, misses, false_alarms, rest)


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0
