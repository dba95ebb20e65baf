"""Score by DOTA's measure, on labeled patches or as a submission for the server."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.logging import MMLogger
from mmrotate.evaluation.functional.mean_ap import print_map_summary
from mmrotate.evaluation.metrics import DOTAMetric

from rsp.errors import UserError
from rsp.ops import check
from rsp.registry import METRICS
from rsp.tasks.oriented_detection import submission
from rsp.tasks.oriented_detection.mean_ap import mean_average_precision


@METRICS.register_module()
class OrientedDOTAMetric(DOTAMetric):
    """Compute mean average precision, or write the zip file for DOTA's server.

    mmrotate's metric, same numbers, except that

    * it computes in this process, see `mean_ap`;
    * a folder for the submission that exists is refused before the images are read,
      not after;
    * patches are merged by the window at the end of their name, so that names of images
      may contain ``__`` (DOTA's own examples do), and scores keep four decimals;
    * images without labels are refused for the mean average precision.

    Args:
        format_only: Write the submission and score nothing.
        outfile_prefix: Folder of the submission, must not exist: it gets
            ``Task1_<class>.txt`` and ``<name of folder>.zip``.
        merge_patches: Whether images are patches of larger ones, which a submission is
            about. It does not change the mean average precision, which is that of the
            patches.
        eval_mode: Area below the precision of 11 recalls, ``'11points'``, or of all,
            ``'area'``.
        kwargs: Further arguments of mmrotate's DOTAMetric, such as ``iou_thrs``, and
            ``iou_thr`` for merging.

    Raises:
        UserError: If there is no such mode, no folder for the submission, or it exists.
    """

    def __init__(
        self,
        format_only: bool = False,
        outfile_prefix: str | None = None,
        merge_patches: bool = False,
        eval_mode: str = '11points',
        **kwargs: Any,
    ) -> None:
        # mmrotate takes any other text for 'area'.
        check.one_of("'eval_mode'", eval_mode, ('11points', 'area'))
        if format_only:
            if outfile_prefix is None:
                raise UserError(
                    'expected a folder for the submission; pass --format-only PREFIX, '
                    "or set 'outfile_prefix' of the metric."
                )
            submission.refuse_existing(Path(outfile_prefix))
        super().__init__(
            format_only=format_only,
            outfile_prefix=outfile_prefix,
            merge_patches=merge_patches,
            eval_mode=eval_mode,
            **kwargs,
        )

    def compute_metrics(self, results: list[tuple[dict, dict]]) -> dict[str, float]:
        """Score, or write the submission.

        Args:
            results: Truth and prediction of each image, see `process`.

        Returns:
            ``mAP``, and ``AP50`` rounded to three decimals (likewise for other
            thresholds); nothing for a submission.

        Raises:
            UserError: If images to score have no labels.
        """
        truths, predictions = zip(*results, strict=True)
        if self.format_only:
            self._write(predictions)
            return {}
        blind = [p['img_id'] for t, p in results if 'bboxes' not in t]
        if blind:
            raise UserError(
                f"expected labels for every image, '{blind[0]}' has none; set "
                "'ann_file' of the test data, or pass --format-only for a submission."
            )
        metrics = {}
        for threshold in self.iou_thrs:
            metrics[f'AP{int(threshold * 100):02d}'] = self._score(
                [p['pred_bbox_scores'] for p in predictions], truths, threshold
            )
        mean = sum(metrics.values()) / len(metrics)
        return dict(mAP=mean) | {name: round(ap, 3) for name, ap in metrics.items()}

    def _score(
        self, detections: Sequence, truths: Sequence[dict], threshold: float
    ) -> float:
        value, classes = mean_average_precision(
            detections,
            truths,
            threshold,
            eleven_points=self.use_07_metric,
            box_type=self.predict_box_type,
        )
        logger = MMLogger.get_current_instance()
        logger.info(f'IoU threshold {threshold}')
        print_map_summary(
            value, classes, dataset=self.dataset_meta['classes'], logger=logger
        )
        return value

    def _write(self, predictions: Sequence[dict]) -> None:
        found = [
            submission.Detections(p['img_id'], p['bboxes'], p['scores'], p['labels'])
            for p in predictions
        ]
        classes = self.dataset_meta['classes']
        if self.merge_patches:
            merged = submission.merge(found, len(classes), self.iou_thr)
        else:
            merged = submission.by_class(found, len(classes))
        archive = submission.write(merged, classes, Path(self.outfile_prefix))
        MMLogger.get_current_instance().info(
            f'{len(found)} files of {len(merged)} images, '
            f'{sum(len(f) for image in merged.values() for f in image)} detections: '
            f'{archive}'
        )
