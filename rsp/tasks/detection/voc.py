"""Load upright boxes from Pascal VOC's xml files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmdet.datasets import XMLDataset

from rsp.datasets.pixel_reading import PixelReading
from rsp.registry import DATASETS
from rsp.tasks.common import report, voc
from rsp.tasks.common.class_names import ClassNames
from rsp.tasks.common.faults import Faults
from rsp.tasks.common.listing import IMAGE_ENDINGS, pair_files
from rsp.tasks.detection import boxes


@DATASETS.register_module()
class VOCDetectionDataset(PixelReading, report.ReportedImages, XMLDataset):
    """Load images of any common format with VOC xml files, none silently left out.

    mmdet's XMLDataset looks for ``.jpg`` only and drops objects of a class it does not
    know, or knows by another name. This one finds jpg, png, tif and bmp, and
    refuses, with all faulty files named at once: unknown classes, images without xml
    and xml without image, malformed xml, boxes without area or outside the image.
    Images without objects are background, unless ``filter_cfg`` says otherwise; the log
    counts them.

    Layout on disk::

        <data_root>/<img_subdir>/<id>.jpg|.jpeg|.png|.tif|.tiff|.bmp    any case
        <data_root>/<ann_subdir>/<id>.xml
        <data_root>/<ann_file>         one id per line; empty: all files of both folders

    8-bit images with three bands; mmcv's loader takes the first three of more.

    Args:
        img_subdir: Folder of the images.
        ann_subdir: Folder of the xml files.
        aliases: Names in the xml files -> class names, see `ClassNames`.
        first_pixel: Number of the first column and row in the xml files: 1 in Pascal
            VOC (mmdet subtracts it from all four corners), 0 in many other data sets.
        cut_boxes: Cut boxes at the image's edge and leave out those of which nothing
            remains, counted in the log, instead of refusing them.
        kwargs: Those of mmdet's XMLDataset; ``metainfo=dict(classes=...)`` gives the
            classes, ``data_prefix`` is ``data_root`` if not given.

    Raises:
        MissingData: If a folder, the list or files are missing.
        UserError: If images, files or boxes do not fit, see above.
    """

    def __init__(
        self,
        img_subdir: str = 'JPEGImages',
        ann_subdir: str = 'Annotations',
        aliases: Mapping[str, str] | None = None,
        first_pixel: int = 1,
        cut_boxes: bool = False,
        **kwargs: Any,
    ) -> None:
        self.aliases = dict(aliases or {})
        self.first_pixel = first_pixel
        self.cut_boxes = cut_boxes
        # Without it mmdet looks for the folders below the current directory.
        kwargs.setdefault('data_prefix', dict(sub_data_root=''))
        super().__init__(img_subdir=img_subdir, ann_subdir=ann_subdir, **kwargs)

    @property
    def source(self) -> str:
        """Return the list or folder that is read, for messages."""
        return self.ann_file or str(self._folder(self.ann_subdir))

    def load_data_list(self) -> list[dict]:
        """Read all annotations."""
        self.class_names = ClassNames(self._metainfo.get('classes', ()), self.aliases)
        faults = Faults(self.source)
        pairs = pair_files(
            [
                (self._folder(self.img_subdir), IMAGE_ENDINGS),
                (self._folder(self.ann_subdir), ('.xml',)),
            ],
            faults,
            self.ann_file,
            "'data_root', 'img_subdir' and 'ann_subdir'",
        )
        self._cut = 0
        records = voc.read_images(pairs, voc.BOX, self._instances, faults)
        faults.refuse()
        report.log_contents(self.source, records, self.class_names.classes)
        if self._cut:
            report.log(f'{self.source}: {self._cut} boxes cut or left out (cut_boxes).')
        return records

    def _folder(self, name: str) -> Path:
        return Path(self.sub_data_root or '.', name)

    def _instances(self, thing: voc.VOCObject, record: dict) -> list[dict]:
        """Return the instance of an object, or none if its box is cut away."""
        label = self.class_names.number(thing.name)
        box = boxes.fit(thing.numbers, record, self.cut_boxes, self.first_pixel)
        self._cut += box != [value - self.first_pixel for value in thing.numbers]
        if box is None:
            return []
        left, top, right, bottom = box
        tiny = min(right - left, bottom - top) < (self.bbox_min_size or 0)
        ignored = int(thing.difficult or tiny)
        return [dict(bbox=list(box), bbox_label=label, ignore_flag=ignored)]
