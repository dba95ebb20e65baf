"""What a data set took from its label files, counted and said."""

import logging
from collections.abc import Sequence

from mmengine.logging import print_log

from rsp.errors import UserError, shorten
from rsp.tasks.oriented_detection.labels import Label


class LabelReport:
    """Turns labels into instances for mm-datasets, and counts what is left out.

    Args:
        source: What was read, for the log.
        classes: Names in the order of their numbers.
        diff_thr: Objects of a higher difficulty are ignored: neither learned nor
            scored. 0 ignores all difficult objects, as DOTA's server does; 100 none.
    """

    def __init__(self, source: str, classes: Sequence[str], diff_thr: int) -> None:
        self.source = source
        self.numbers = {name: number for number, name in enumerate(classes)}
        self.diff_thr = diff_thr
        self.images = self.objects = self.ignored = 0
        self.empty: list[str] = []
        self.flat: list[str] = []

    def instances(self, image: str, labels: Sequence[Label]) -> list[dict]:
        """Instances of one image as mmdet's LoadAnnotations expects them.

        Objects without area are left out and counted: no rotated box describes them,
        and their logarithmic targets would be infinite.
        """
        self.flat += [f'{image} {label.place}' for label in labels if label.is_flat]
        instances = [
            dict(
                bbox=list(label.polygon),
                bbox_label=self.numbers[label.name],
                ignore_flag=int(label.difficult > self.diff_thr),
            )
            for label in labels
            if not label.is_flat
        ]
        self.images += 1
        self.objects += len(instances)
        self.ignored += sum(
            label.difficult > self.diff_thr for label in labels if not label.is_flat
        )
        if not instances:
            self.empty.append(image)
        return instances

    def log(self) -> None:
        """Say it once; as a warning if objects were left out."""
        parts = [
            f'{self.source}: {self.images} images, {self.objects} objects',
            f'{self.ignored} of them ignored as difficult (diff_thr={self.diff_thr})',
            f'{len(self.empty)} images without objects{_named(self.empty)}',
        ]
        level = logging.INFO
        if self.flat:
            parts.append(f'LEFT OUT {len(self.flat)} without area{_named(self.flat)}')
            level = logging.WARNING
        print_log('; '.join(parts) + '.', logger='current', level=level)


def with_objects(data_list: list[dict], filter_cfg: dict | None) -> list[dict]:
    """Leave out images without objects if asked to, and say how many.

    Args:
        data_list: Images with their instances.
        filter_cfg: ``filter_empty_gt=True`` asks for it.

    Raises:
        ValueError: If no image is left.
    """
    if not (filter_cfg or {}).get('filter_empty_gt', False):
        return data_list
    kept = [data for data in data_list if data['instances']]
    if not kept:
        raise UserError(
            f'expected objects to train on, none of {len(data_list)} images has one; '
            "check 'ann_file', or set filter_cfg.filter_empty_gt=False."
        )
    print_log(
        f'{len(data_list) - len(kept)} of {len(data_list)} images have no objects and '
        'are not trained on (filter_cfg.filter_empty_gt).',
        logger='current',
    )
    return kept


def _named(names: Sequence[str]) -> str:
    return f' ({shorten(sorted(names))})' if names else ''
