"""Log what a detection data set holds and what was left out of it."""

import logging
from collections.abc import Sequence
from typing import Any

from mmengine.logging import print_log

from rsp.errors import UserError, shorten


def log_contents(
    source: str,
    images: Sequence[dict],
    classes: Sequence[str],
    flat: Sequence[str] = (),
) -> None:
    """Log images, objects per class, images without objects and ignored objects.

    Args:
        source: List, folder or json.
        images: mmdet's records, with ``instances``.
        classes: Names by class number.
        flat: Places of objects that were left out since they have no area.
    """
    objects = [thing for image in images for thing in image['instances']]
    counts = [0] * len(classes)
    for thing in objects:
        counts[thing['bbox_label']] += 1
    by_class = ', '.join(f'{n} {c}' for n, c in zip(classes, counts, strict=True))
    empty = [str(image['img_id']) for image in images if not image['instances']]
    ignored = sum(thing['ignore_flag'] for thing in objects)
    log(
        f'{source}: {len(images)} images, {len(objects)} objects ({by_class}); '
        f'{len(empty)} images without objects{_named(empty)}; {ignored} difficult, '
        'crowded or tiny objects ignored.'
    )
    if flat:
        log(
            f'{source}: LEFT OUT {len(flat)} objects without area{_named(flat)}.',
            logging.WARNING,
        )


class ReportedImages:
    """Apply ``filter_cfg`` to the training images of mmdet's data sets, and log it.

    ``filter_empty_gt`` leaves out images without objects, which are kept as background
    otherwise; ``min_size`` those with a shorter side, pixels.
    """

    ann_file: str
    data_list: list[dict]
    filter_cfg: dict[str, Any] | None
    test_mode: bool

    @property
    def source(self) -> str:
        """Return the list, folder or json that is read, for messages."""
        return self.ann_file

    def filter_data(self) -> list[dict]:
        """Return the images that ``filter_cfg`` leaves; all in a test.

        Raises:
            UserError: If no image is left.
        """
        options = {} if self.test_mode else self.filter_cfg or {}
        kept = images = self.data_list
        if options.get('filter_empty_gt', False):
            kept = [image for image in kept if image['instances']]
        without_objects = len(images) - len(kept)
        least = options.get('min_size', 0)
        if least:
            kept = [i for i in kept if min(i['width'], i['height']) >= least]
        small = len(images) - without_objects - len(kept)
        if without_objects or small:
            log(
                f'{self.source}: left out {without_objects} images without objects '
                f'(filter_cfg.filter_empty_gt) and {small} with a side below {least} '
                f'pixels (filter_cfg.min_size); {len(kept)} remain.'
            )
        if images and not kept:
            raise UserError(
                f"expected images to train on in '{self.source}', but filter_cfg="
                f'{options} left out all {len(images)}; set filter_cfg=None to keep '
                'them.'
            )
        return kept


def log(text: str, level: int = logging.INFO) -> None:
    """Write to the run's log."""
    print_log(text, logger='current', level=level)


def _named(names: Sequence[str]) -> str:
    return f' ({shorten(sorted(names))})' if names else ''
