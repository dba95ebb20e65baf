"""Compute the mean average precision of rotated boxes in this process.

Not by mmrotate's ``eval_rbbox_map``, which spawns processes that run the script again.
"""

from collections.abc import Sequence

import numpy as np
from mmdet.evaluation.functional import average_precision
from mmrotate.evaluation.functional.mean_ap import tpfp_default


def mean_average_precision(
    detections: Sequence[Sequence[np.ndarray]],
    truths: Sequence[dict[str, np.ndarray]],
    iou_threshold: float,
    eleven_points: bool = True,
    box_type: str = 'rbox',
) -> tuple[float, list[dict]]:
    """Compute the average precision of each class over all images, and their mean.

    The numbers of mmrotate's ``eval_rbbox_map``, without its four spawned processes:
    each of those imports torch again, and one without ``if __name__ == '__main__'`` in
    the script that called it runs that script again.

    One difference: an image whose objects are all ignored keeps them, so that what is
    detected there is ignored too. mmrotate forgets them and counts false positives.

    Args:
        detections: Per image, per class: shape (M, 6), box and score.
        truths: Per image ``bboxes`` (N, 5), ``labels`` (N,), and the same of ignored
            objects, ``bboxes_ignore`` and ``labels_ignore``.
        iou_threshold: Overlap from which a detection counts.
        eleven_points: The measure of VOC 2007, DOTA's; else the area under the curve.
        box_type: ``'rbox'``, or ``'qbox'`` for boxes (N, 8).

    Returns:
        Mean over the classes that occur (0 if none does), and per class ``num_gts``,
        ``num_dets``, ``recall`` and ``precision`` after each detection, ``ap``.
    """
    results = []
    for number in range(len(detections[0])):
        found = [image[number] for image in detections]
        truth = [_of_class(image, number, box_type) for image in truths]
        hits, misses = [np.zeros((1, 0), np.float32)], [np.zeros((1, 0), np.float32)]
        for boxes, (scored, ignored) in zip(found, truth, strict=True):
            if len(boxes):
                hit, miss = tpfp_default(
                    boxes, scored, ignored, iou_threshold, box_type
                )
                hits.append(hit)
                misses.append(miss)
        order = np.argsort(-np.vstack(found)[:, -1])
        hit = np.cumsum(np.hstack(hits)[0, order])
        miss = np.cumsum(np.hstack(misses)[0, order])
        objects = sum(len(scored) for scored, _ in truth)
        tiny = np.finfo(np.float32).eps
        # In double precision: a recall of 0.1 has to reach the threshold 0.1.
        recall = hit / np.maximum(np.float64(objects), tiny)
        precision = hit / np.maximum(hit + miss, tiny)
        mode = '11points' if eleven_points else 'area'
        results.append(
            dict(
                num_gts=objects,
                num_dets=len(order),
                recall=recall,
                precision=precision,
                ap=average_precision(recall, precision, mode),
            )
        )
    present = [result['ap'] for result in results if result['num_gts']]
    return float(np.mean(present)) if present else 0.0, results


def _of_class(
    truth: dict[str, np.ndarray], number: int, box_type: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the scored and the ignored objects of a class in an image."""
    width = 5 if box_type == 'rbox' else 8
    scored = truth['bboxes'].reshape(-1, width)
    ignored = truth['bboxes_ignore'].reshape(-1, width)
    return scored[truth['labels'] == number], ignored[truth['labels_ignore'] == number]
