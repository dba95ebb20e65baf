"""How well the changed pixels are found."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.dist import get_rank
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger

from rsp.errors import UserError
from rsp.ops.confusion import PixelCounts, count_pixels
from rsp.registry import METRICS


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
                raise UserError(
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
