"""Load rotated boxes from the polygons of a COCO json."""

import math
from collections.abc import Mapping
from typing import Any

from mmdet.datasets.base_det_dataset import BaseDetDataset

from rsp.datasets.pixel_reading import PixelReading
from rsp.errors import UserError
from rsp.registry import DATASETS
from rsp.tasks.common import coco, report
from rsp.tasks.common.class_names import ClassNames
from rsp.tasks.common.dota import Label
from rsp.tasks.common.segmentation import outline, rotated_corners

# Sides below this, pixels, are those of a line whose corners were rounded.
FLAT = 1e-3


@DATASETS.register_module()
class OrientedCocoDataset(PixelReading, report.ReportedImages, BaseDetDataset):
    """Load images with a COCO json, objects as the smallest rectangle around them.

    The rectangle of least area around the ``segmentation``: polygons, or run-length
    encoding where pycocotools is installed. What `rsp.CocoDetectionDataset` refuses is
    refused, and objects without area or with their center outside the image.

    Layout on disk::

        <data_root>/<ann_file>                       the json
        <data_root>/<data_prefix['img_path']>/<file_name of the json>

    Args:
        aliases: Names in the json -> class names, see `ClassNames`.
        kwargs: Those of mmdet's BaseDetDataset; ``metainfo=dict(classes=...)`` gives
            the classes.

    Raises:
        MissingData: If the json or images are missing.
        UserError: If images, classes or outlines do not fit, see above.
    """

    def __init__(self, aliases: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        self.aliases = dict(aliases or {})
        super().__init__(**kwargs)

    def load_data_list(self) -> list[dict]:
        """Read all annotations."""
        names = ClassNames(self._metainfo.get('classes', ()), self.aliases)
        return coco.read_records(
            self.ann_file, self.data_prefix['img_path'], names, rotated_box
        )


def rotated_box(annotation: dict, record: dict) -> list[dict]:
    """Return the instance of an annotation, without its class.

    Args:
        annotation: Of the json.
        record: mmdet's, of its image.

    Raises:
        UserError: If its outline is missing or malformed, has no area, or lies outside.
    """
    if not annotation.get('segmentation'):
        raise UserError(
            "expected a 'segmentation' to take the rotated box from, there is none; "
            'draw one, or read upright boxes by rsp.CocoDetectionDataset.'
        )
    points = outline(annotation['segmentation'], record['height'], record['width'])
    corners = rotated_corners(points)
    (x1, y1), (x2, y2), (x3, y3) = zip(corners[:6:2], corners[1:6:2], strict=True)
    if min(math.hypot(x2 - x1, y2 - y1), math.hypot(x3 - x2, y3 - y2)) < FLAT:
        raise UserError('its outline has no area; correct or remove it.')
    Label(tuple(corners), '', 0, '').refuse_outside(record)
    return [dict(bbox=corners)]
