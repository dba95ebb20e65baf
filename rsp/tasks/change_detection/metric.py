"""Score the changed pixels by mmseg's IoUMetric."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.logging import MMLogger
from mmseg.evaluation import IoUMetric
from torch import Tensor

from rsp.errors import UserError
from rsp.ops import check
from rsp.registry import METRICS


@METRICS.register_module()
class ChangeMetric(IoUMetric):
    """Score the class "changed" from one confusion matrix over the data set.

    ``F1``, ``IoU``, ``precision``, ``recall`` of change and overall ``accuracy``, in
    percent; a ratio of nothing by nothing counts 0. ``F1_batch_mean``, for comparison
    only, is the mean over batches of the F1 within each, which official trainings
    monitor; it depends on the batch size, and on how the images fall into batches.

    Every image counts once, also where ranks repeat some to have equally many. Counts
    are summed in double precision, while mmseg's float32 is exact up to 2**24 pixels.

    Args:
        kwargs: Those of mmseg's IoUMetric, such as ``ignore_index``.
    """

    default_prefix = 'change'

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(iou_metrics=['mIoU', 'mFscore'], **kwargs)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Count the pixels of a batch, image by image.

        Raises:
            UserError: If a sample lacks its truth, or has it in another size.
        """
        for sample in () if self.format_only else data_samples:
            if 'gt_sem_seg' not in sample:
                raise UserError(
                    f"expected the truth of '{sample.get('img_path')}'; add "
                    'rsp.LoadChangeAnnotations to the pipeline.'
                )
            predicted, truth = sample['pred_sem_seg'], sample['gt_sem_seg']
            check.same_shape(
                'a prediction', predicted['data'], 'its truth', truth['data']
            )
        # One entry per image: the repeated ones are cut off the end of all entries.
        start = len(self.results)
        super().process(data_batch, data_samples)
        self.results[start:] = [
            ((get_rank(), start), torch.stack(areas)) for areas in self.results[start:]
        ]

    def compute_metrics(
        self, results: Sequence[tuple[tuple[int, int], Tensor]]
    ) -> dict[str, float]:
        """Sum up the images.

        Args:
            results: Batch of every image, and pixels of both classes in intersection,
                union, prediction and truth, shape (4, 2).
        """
        if self.format_only:
            return super().compute_metrics(results)
        batches: dict[tuple[int, int], list[Tensor]] = defaultdict(list)
        for batch, areas in results:
            batches[batch].append(areas)
        scores = self._scores([areas for _, areas in results])
        if not any(areas[3, 1] for _, areas in results):
            MMLogger.get_current_instance().warning(
                f'None of the {len(results)} images holds a changed pixel: precision, '
                'recall, F1 and IoU say nothing.'
            )
        mean = np.mean([self._scores(batch)['F1'] for batch in batches.values()])
        return scores | dict(F1_batch_mean=float(mean))

    def _scores(self, areas: Sequence[Tensor]) -> dict[str, float]:
        total = torch.stack([*areas]).double().sum(dim=0)
        values = self.total_area_to_metrics(*total, self.metrics, nan_to_num=0)
        changed = dict(F1='Fscore', IoU='IoU', precision='Precision', recall='Recall')
        scores = {name: 100 * float(values[key][1]) for name, key in changed.items()}
        return scores | dict(accuracy=100 * float(values['aAcc']))
