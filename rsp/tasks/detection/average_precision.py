"""Score boxes by COCO's average precision, per class too.

Not by mmdet's ``CocoMetric(classwise=True)``, which prints AP50 of a class in three
decimals and returns none, and returns nothing at all where nothing was found.
"""

import contextlib
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmdet.datasets.api_wrappers import COCO, COCOeval
from mmdet.evaluation import CocoMetric
from mmengine.fileio import load

from rsp.errors import UserError
from rsp.registry import METRICS
from rsp.tasks.common import report


@METRICS.register_module()
class BoxAveragePrecision(CocoMetric):
    r"""Compute COCO's average precision, with AP50 of every class among the results.

    Per class and IoU threshold :math:`t`, the precision at 101 recalls, each the best
    at this or a higher recall, averaged; a detection is right if its IoU with a
    still free true box is at least :math:`t`. ``bbox_mAP_50`` is the mean over the
    classes at :math:`t = 0.5`, the mAP of GeRSP's tables; ``bbox_mAP`` the mean over
    :math:`t = 0.5, 0.55, \dots, 0.95` too. All detections count up to the last of
    ``proposal_nums``; classes without a true box count nowhere and are reported as
    NaN. Pascal VOC's AP (mmdet's VOCMetric) integrates otherwise and adds a pixel to
    widths and heights: its numbers differ.

    The truth is taken from the samples, so VOC folders need no json and class numbers
    are those of the data set: ``instances`` must be among PackDetInputs' ``meta_keys``.
    Without any detection the result is 0, where mmdet's metric is empty.

    Args:
        proposal_nums: Detections per image that count: for the recalls each, for the
            precision the last.
        kwargs: Those of mmdet's CocoMetric that concern boxes: ``format_only``,
            ``outfile_prefix``, ``collect_device``, ``prefix``.

    Raises:
        UserError: If an image has no truth with it, or all images together no object.
    """

    def __init__(
        self, proposal_nums: Sequence[int] = (100, 300, 1000), **kwargs: Any
    ) -> None:
        super().__init__(metric='bbox', proposal_nums=proposal_nums, **kwargs)

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Keep truth and detections of a batch."""
        for sample in data_samples:
            if 'instances' not in sample:
                raise UserError(
                    f"expected the truth of '{sample.get('img_path')}' in its sample, "
                    "there is none; add 'instances' to PackDetInputs.meta_keys of the "
                    'test pipeline.'
                )
        super().process(data_batch, data_samples)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Score all images, or only write the detections (``format_only``)."""
        truths, detections = zip(*results, strict=True)
        with tempfile.TemporaryDirectory() as folder:
            prefix = self.outfile_prefix or str(Path(folder, 'results'))
            Path(prefix).parent.mkdir(parents=True, exist_ok=True)
            self.cat_ids = list(range(len(self.dataset_meta['classes'])))
            files = self.results2json(detections, prefix)
            if self.format_only:
                report.log(f"Detections written to '{files['bbox']}'.")
                return {}
            if not any(truth['anns'] for truth in truths):
                raise UserError(
                    f'expected objects to score by, the {len(truths)} test images have '
                    'none; check test_dataloader.dataset.'
                )
            truth_file = self.gt_to_coco_json(truths, prefix)
            # pycocotools prints its progress.
            with contextlib.redirect_stdout(io.StringIO()):
                evaluation = self._match(truth_file, load(files['bbox']))
        return self._summary(evaluation)

    def _match(self, truth_file: str, detections: list[dict]) -> dict:
        truth = COCO(truth_file)
        # pycocotools cannot read an empty list; a box of no class is never compared.
        nothing = dict(
            image_id=truth.get_img_ids()[0], category_id=-1, bbox=[0, 0, 1, 1], score=0
        )
        found = truth.loadRes(detections or [nothing])
        evaluation = COCOeval(truth, found, 'bbox')
        evaluation.params.catIds = self.cat_ids
        evaluation.params.imgIds = truth.get_img_ids()
        evaluation.params.maxDets = list(self.proposal_nums)
        evaluation.params.iouThrs = np.asarray(self.iou_thrs)
        evaluation.evaluate()
        evaluation.accumulate()
        return evaluation.eval

    def _summary(self, evaluation: dict) -> dict[str, float]:
        # (IoU threshold, recall, class, area range, detections); -1 where undefined.
        precision = evaluation['precision'][..., -1]
        recall = evaluation['recall']
        result = dict(
            bbox_mAP=_mean(precision[:, :, :, 0]),
            bbox_mAP_50=_mean(precision[_at(self.iou_thrs, 0.5), :, :, 0]),
            bbox_mAP_75=_mean(precision[_at(self.iou_thrs, 0.75), :, :, 0]),
        )
        for number, area in enumerate('sml', start=1):
            result[f'bbox_mAP_{area}'] = _mean(precision[..., number])
        for number, count in enumerate(self.proposal_nums):
            result[f'bbox_AR@{count}'] = _mean(recall[:, :, 0, number])
        rows = [f'{"":<26} {"AP50":>6} {"AP":>6}']
        for number, name in enumerate(self.dataset_meta['classes']):
            curves = precision[:, :, number, 0]
            at_half = _mean(curves[_at(self.iou_thrs, 0.5)])
            result[f'AP50/{name}'] = at_half
            rows.append(f'{name:<26} {at_half:6.4f} {_mean(curves):6.4f}')
        means = result['bbox_mAP_50'], result['bbox_mAP']
        rows.append(f'{"mean":<26} {means[0]:6.4f} {means[1]:6.4f}')
        report.log('\n'.join(rows))
        return result


def _at(thresholds: Sequence[float], threshold: float) -> np.ndarray:
    return np.isclose(thresholds, threshold)


def _mean(values: np.ndarray) -> float:
    defined = values[values > -1]
    return float(defined.mean()) if defined.size else float('nan')
