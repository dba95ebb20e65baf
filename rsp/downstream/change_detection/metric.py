"""How well the changed pixels are found."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from torch import Tensor

from rsp.registry import METRICS


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
        raise ValueError(
            f'expected a prediction of the size of its truth, {tuple(truth.shape)}, '
            f'got {tuple(predicted.shape)}.'
        )
    known = truth != ignore
    codes = 2 * (truth[known] == 1).long() + (predicted[known] == 1).long()
    rest, false_alarms, misses, hits = torch.bincount(codes, minlength=4).tolist()
    return PixelCounts(hits, misses, false_alarms, rest)


@METRICS.register_module()
class ChangeMetric(BaseMetric):
    """Scores of the class "changed" from one confusion matrix over the data set.

    ``F1_batch_mean``, for comparison only, is the mean over batches of the F1 within
    each, which official trainings monitor; it depends on the batch size, and on how the
    images fall into batches. All in percent.

    Every image counts once, also where ranks repeat some to have equally many.

    Args:
        ignore_index: Value of pixels that do not count.
        kwargs: Those of mmengine's BaseMetric.
    """

    default_prefix = 'change'

    def __init__(self, ignore_index: int = 255, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ignore_index = ignore_index

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Count the pixels of a batch, image by image.

        Raises:
            ValueError: If a sample lacks its truth.
        """
        # One entry per image: the repeated ones are cut off the end of all entries.
        batch = (get_rank(), len(self.results))
        for sample in data_samples:
            if 'gt_sem_seg' not in sample:
                raise ValueError(
                    f"expected the truth of '{sample.get('img_path')}'; add "
                    'rsp.LoadChangeAnnotations to the pipeline.'
                )
            predicted = sample['pred_sem_seg']['data']
            truth = sample['gt_sem_seg']['data'].to(predicted.device)
            counts = count_pixels(predicted, truth, self.ignore_index)
            self.results.append((batch, counts))

    def compute_metrics(
        self, results: Sequence[tuple[tuple[int, int], PixelCounts]]
    ) -> dict[str, float]:
        """Sum up the images.

        Args:
            results: Batch and counts of every image.
        """
        batches: dict[tuple[int, int], PixelCounts] = defaultdict(PixelCounts)
        for batch, counts in results:
            batches[batch] += counts
        total = sum(batches.values(), start=PixelCounts())
        if total.hits + total.misses == 0:
            MMLogger.get_current_instance().warning(
                f'None of the {len(results)} images holds a changed pixel: precision, '
                'recall, F1 and IoU say nothing.'
            )
        mean = np.mean([counts.scores()['F1'] for counts in batches.values()])
        return total.scores() | dict(F1_batch_mean=float(mean))


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0
