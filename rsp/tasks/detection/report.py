"""Saying in the log what a data set holds and what was left out of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.logging import print_log

from rsp.errors import UserError


def log_content(source: str, images: list[dict], classes: Sequence[str]) -> None:
    """Log images, boxes per class, images without objects and ignored boxes.

    Args:
        source: List file, folder or json.
        images: mmdet's records, with ``instances``.
        classes: Names by class number.
    """
    boxes = [box for image in images for box in image['instances']]
    counts = [0] * len(classes)
    for box in boxes:
        counts[box['bbox_label']] += 1
    by_class = ', '.join(f'{n} {c}' for n, c in zip(classes, counts, strict=True))
    empty = sum(not image['instances'] for image in images)
    ignored = sum(box['ignore_flag'] for box in boxes)
    log(
        f'{source}: {len(images)} images, {len(boxes)} boxes ({by_class}); {empty} '
        f'images without objects; {ignored} difficult, crowded or tiny boxes ignored.'
    )


def filter_images(
    source: str, images: list[dict], filter_cfg: Mapping[str, Any] | None
) -> list[dict]:
    """Leave out what ``filter_cfg`` asks for, and log how much that was.

    Args:
        source: See `log_content`.
        images: See `log_content`.
        filter_cfg: ``filter_empty_gt``: leave out images without objects, which are
            kept as background otherwise; ``min_size``: least short side, pixels.

    Raises:
        ValueError: If no image is left.
    """
    asked = filter_cfg or {}
    kept = images
    if asked.get('filter_empty_gt', False):
        kept = [image for image in kept if image['instances']]
    without_objects = len(images) - len(kept)
    least = asked.get('min_size', 0)
    kept = [image for image in kept if min(image['width'], image['height']) >= least]
    small = len(images) - without_objects - len(kept)
    if without_objects or small:
        log(
            f'{source}: left out {without_objects} images without objects '
            f'(filter_cfg.filter_empty_gt) and {small} with a side below {least} '
            f'pixels (filter_cfg.min_size); {len(kept)} remain.'
        )
    if images and not kept:
        raise UserError(
            f"expected images to train on in '{source}', but filter_cfg={asked} left "
            f'out all {len(images)}; set filter_cfg=None to keep them.'
        )
    return kept


def log(text: str) -> None:
    """Write to the run's log."""
    print_log(text, logger='current')
