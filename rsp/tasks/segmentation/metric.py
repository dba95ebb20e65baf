"""Score a segmentation from one confusion matrix over the whole data set."""

from collections.abc import Sequence
from typing import Any

import torch
from mmseg.evaluation import IoUMetric

from rsp.registry import METRICS


@METRICS.register_module()
class PerClassIoUMetric(IoUMetric):
    r"""Compute mean IoU and mean F1, and both for each class, in percent.

    .. math::
        IoU_k = \frac{|P_k \cap T_k|}{|P_k \cup T_k|}, \qquad
        F1_k = \frac{2\,|P_k \cap T_k|}{|P_k| + |T_k|}

    where :math:`P_k, T_k` are the pixels of class k in all predictions and all masks
    together, without ignored pixels. Means run over the classes that occur.

    Differences from mmseg: the numbers of the single classes are returned and not only
    printed; and F1 of a class that is in the masks but never predicted is 0 as its IoU
    is. mmseg gets there by a precision of 0/0 and leaves the class out of the mean,
    which rewards models that never dare a rare class.

    A prediction beyond the classes, such as the sixth output for clutter, is wrong
    wherever the mask knows the class.

    Args:
        kwargs: Arguments of mmseg's IoUMetric, such as ``output_dir`` and
            ``format_only`` to write predictions as PNG.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(iou_metrics=['mIoU'], **kwargs)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Sum the pixel counts of all images and score them once."""
        metrics = super().compute_metrics(results)
        if self.format_only:
            return metrics
        hits, union, predicted, true = (
            torch.stack(counts).double().sum(dim=0)
            for counts in zip(*results, strict=True)
        )
        iou = 100 * hits / union
        f1 = 200 * hits / (predicted + true)
        metrics['mF1'] = _rounded(f1.nanmean())
        names: Sequence[str] = self.dataset_meta['classes']
        for k, name in enumerate(names):
            key = name.replace(' ', '_')
            metrics[f'IoU_{key}'] = _rounded(iou[k])
            metrics[f'F1_{key}'] = _rounded(f1[k])
        return metrics


def _rounded(value: torch.Tensor) -> float:
    return round(float(value), 2)
