"""Load upright boxes from a COCO json."""

from collections import Counter
from collections.abc import Mapping
from math import isclose
from typing import Any

from mmdet.datasets import CocoDataset

from rsp.datasets.pixel_reading import PixelReading
from rsp.errors import UserError
from rsp.registry import DATASETS
from rsp.tasks.common import coco, report
from rsp.tasks.common.class_names import ClassNames
from rsp.tasks.common.segmentation import outline, upright_box
from rsp.tasks.common.values import refuse_no_pixels
from rsp.tasks.detection import boxes


@DATASETS.register_module()
class CocoDetectionDataset(PixelReading, report.ReportedImages, CocoDataset):
    """Load images with a COCO json, none silently left out, classes by name.

    mmdet's CocoDataset drops annotations of classes it does not know and boxes it
    cannot use, and numbers the classes in the order of the json, so that two files
    with the same classes in another order disagree. This one refuses such annotations
    and boxes, all named at once, and takes the number from the place of the name in
    ``metainfo.classes``. Score it without ``ann_file`` in the metric, which would
    number in the order of the json again (`BoxAveragePrecision` has none).

    An annotation without ``bbox`` gets the box around its ``segmentation``: polygons,
    or run-length encoding where pycocotools is installed.

    Crowded (``iscrowd``) and ignored (``ignore``) boxes are kept and marked: not
    trained on, and no mistake if found. Images without objects are background, unless
    ``filter_cfg`` says otherwise; the log counts them, and files that lie in the folder
    without being in the json.

    Layout on disk::

        <data_root>/<ann_file>                       the json
        <data_root>/<data_prefix['img']>/<file_name of the json>

    Args:
        aliases: Names in the json -> class names, see `ClassNames`.
        cut_boxes: Cut boxes at the image's edge and leave out those of which nothing
            remains, counted in the log, instead of refusing them.
        kwargs: Those of mmdet's CocoDataset; ``metainfo=dict(classes=...)`` gives the
            classes.

    Raises:
        MissingData: If the json or images are missing.
        UserError: If images, classes or boxes do not fit, see above; also if the json
            states another size than an image has.
    """

    def __init__(
        self,
        aliases: Mapping[str, str] | None = None,
        cut_boxes: bool = False,
        **kwargs: Any,
    ) -> None:
        self.aliases = dict(aliases or {})
        self.cut_boxes = cut_boxes
        super().__init__(**kwargs)

    def load_data_list(self) -> list[dict]:
        """Read all annotations."""
        self.class_names = ClassNames(self._metainfo.get('classes', ()), self.aliases)
        self._cut = self._outlined = 0
        self._corners: Counter[bool] = Counter()
        folder = self.data_prefix.get('img', self.data_prefix.get('img_path', ''))
        try:
            records = coco.read_records(
                self.ann_file, folder, self.class_names, self._instances
            )
        finally:  # Explains why boxes would lie outside.
            self._refuse_corners()
        if self._cut:
            report.log(
                f'{self.ann_file}: {self._cut} boxes cut or left out (cut_boxes).'
            )
        if self._outlined:
            report.log(
                f'{self.ann_file}: {self._outlined} boxes taken from the segmentation.'
            )
        return records

    def _refuse_corners(self) -> None:
        if self._corners[True] > self._corners[False]:
            raise UserError(
                f'{self._corners[True]} of {self._corners.total()} bboxes in '
                f"'{self.ann_file}' have the area of corners x1, y1, x2, y2; COCO's "
                'are left, top, width, height: subtract x1 and y1 from the last two.'
            )

    def _instances(self, annotation: dict, record: dict) -> list[dict]:
        """Return the instance of an annotation, or none if its box is cut away."""
        box = self._box(annotation, record)
        fitted = boxes.fit(box, record, self.cut_boxes)
        self._cut += fitted != box
        return [] if fitted is None else [dict(bbox=list(fitted))]

    def _box(self, annotation: dict, record: dict) -> list[float]:
        bbox, outlines = annotation.get('bbox'), annotation.get('segmentation')
        if bbox is None and outlines:
            self._outlined += 1
            return upright_box(outline(outlines, record['height'], record['width']))
        if 'bbox' not in annotation:
            raise UserError("no 'bbox'; add it, or remove the annotation.")
        bbox = _four_numbers(bbox)
        left, top, width, height = bbox
        refuse_no_pixels(bbox, 'bbox')
        self._corners[_are_corners(bbox, annotation.get('area'))] += 1
        return [left, top, left + width, top + height]


def _are_corners(bbox: list[float], area: Any) -> bool:
    """Tell whether a stated area is that of a bbox read as x1, y1, x2, y2."""
    x1, y1, x2, y2 = bbox
    if not isinstance(area, int | float) or isclose(area, x2 * y2, rel_tol=0.01):
        return False
    return x1 < x2 and y1 < y2 and isclose(area, (x2 - x1) * (y2 - y1), rel_tol=1e-6)


def _four_numbers(bbox: Any) -> list[float]:
    if (
        not isinstance(bbox, list)
        or len(bbox) != 4
        or not all(isinstance(value, int | float) for value in bbox)
    ):
        raise UserError(
            f'expected left, top, width and height as its bbox, got {bbox}; correct it.'
        )
    return bbox
