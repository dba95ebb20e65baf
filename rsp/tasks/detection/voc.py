"""Boxes in Pascal VOC's xml files."""

import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmdet.datasets import XMLDataset
from PIL import Image

from rsp.errors import MissingData, UserError
from rsp.io.text import read_names
from rsp.registry import DATASETS
from rsp.tasks.detection import boxes, report
from rsp.tasks.detection.class_names import ClassNames
from rsp.tasks.detection.problems import Problems

EXTENSIONS = ('.jpg', '.jpeg', '.png', '.tif', '.tiff')


@DATASETS.register_module()
class VOCDetectionDataset(XMLDataset):
    """Images of any common format with VOC xml files, nothing silently left out.

    mmdet's XMLDataset looks for ``.jpg`` only and drops objects of a class it does not
    know, or knows in another spelling. This one finds jpg, png and tif, and refuses,
    with all faulty files named at once: unknown classes, images without xml and xml
    without image, malformed xml, boxes without area or outside the image. Images
    without objects are background, unless ``filter_cfg`` says otherwise; the log
    counts them.

    Layout on disk::

        <data_root>/<img_subdir>/<id>.jpg|.jpeg|.png|.tif|.tiff    any case
        <data_root>/<ann_subdir>/<id>.xml
        <data_root>/<ann_file>         one id per line; empty: all files of both folders

    8-bit images with three bands; mmcv's loader takes the first three of more.

    Args:
        img_subdir: Folder of the images.
        ann_subdir: Folder of the xml files.
        aliases: Spellings in the xml files -> class names, see `ClassNames`.
        first_pixel: What the xml files call the first column and row: 1 in Pascal VOC
            (mmdet subtracts it from all four corners), 0 in many other data sets.
        cut_boxes: Cut boxes at the image's edge and leave out those of which nothing
            remains, counted in the log, instead of refusing them.
        kwargs: Those of mmdet's XMLDataset; ``metainfo=dict(classes=...)`` gives the
            classes, ``data_prefix`` is ``data_root`` if not given.

    Raises:
        FileNotFoundError: If a folder or the list is missing.
        ValueError: If images, files or boxes do not fit, see above.
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
        """What is read, for messages."""
        return self.ann_file or str(self._folder(self.ann_subdir))

    def load_data_list(self) -> list[dict]:
        """Read all annotations."""
        self.class_names = ClassNames(self._metainfo.get('classes', ()), self.aliases)
        problems = Problems(self.source)
        images = self._files(self.img_subdir, EXTENSIONS)
        annotations = self._files(self.ann_subdir, ('.xml',))
        self._cut = 0
        records = []
        for name in self._ids(images, annotations, problems):
            image = _the_file(name, images, 'image', self.img_subdir, problems)
            xml = _the_file(name, annotations, 'xml', self.ann_subdir, problems)
            if image is not None and xml is not None:
                info = dict(img_id=name, img_path=str(image), xml_path=str(xml))
                try:
                    records.append(self._read(info, problems))
                except (ET.ParseError, OSError, TypeError, ValueError) as error:
                    problems.add(f'{error}; repair the file.', f"'{xml}'")
        problems.refuse()
        report.log_content(self.source, records, self.class_names.classes)
        if self._cut:
            report.log(f'{self.source}: {self._cut} boxes cut or left out (cut_boxes).')
        return records

    def filter_data(self) -> list[dict]:
        """Apply ``filter_cfg`` to training images, see `report.filter_images`."""
        if self.test_mode:
            return self.data_list
        return report.filter_images(self.source, self.data_list, self.filter_cfg)

    def _folder(self, name: str) -> Path:
        return Path(self.sub_data_root or '.', name)

    def _files(self, folder: str, endings: tuple[str, ...]) -> dict[str, list[Path]]:
        path = self._folder(folder)
        if not path.is_dir():
            raise MissingData(
                f"expected a folder '{path}', there is none; put the data there or "
                "change 'data_root', 'img_subdir' and 'ann_subdir'."
            )
        found = defaultdict(list)
        for file in sorted(path.iterdir()):
            if file.suffix.lower() in endings:
                found[file.stem].append(file)
        return found

    def _ids(self, images: dict, annotations: dict, problems: Problems) -> list[str]:
        if not self.ann_file:
            ids = sorted(images.keys() | annotations.keys())
        elif not Path(self.ann_file).is_file():
            raise MissingData(
                f"expected a list of image names at '{self.ann_file}', there is none; "
                "change 'ann_file', or leave it empty to take the whole folder."
            )
        else:
            ids = read_names(self.ann_file)
        if not ids:
            problems.add('names no image; check img_subdir, ann_subdir and the list.')
        seen: set[str] = set()
        for name in ids:
            if name in seen:
                problems.add(f"'{name}' is listed twice; remove one of the lines.")
            seen.add(name)
        return ids

    def _read(self, info: dict, problems: Problems) -> dict:
        xml = info['xml_path']
        root = ET.parse(xml).getroot()
        info['width'], info['height'] = _size(root, info['img_path'])
        info['instances'] = []
        for number, element in enumerate(root.findall('object'), start=1):
            try:
                instance = self._instance(element, info)
            except ValueError as error:
                problems.add(str(error), f"'{xml}', object {number}")
                continue
            if instance is not None:
                info['instances'].append(instance)
        return info

    def _instance(self, element: ET.Element, info: dict) -> dict | None:
        label = self.class_names.number(_text(element, 'name'))
        corners = [_number(element, key) for key in ('xmin', 'ymin', 'xmax', 'ymax')]
        box = [value - self.first_pixel for value in corners]
        size = info['width'], info['height']
        wrong = boxes.fault(box, *size)
        if wrong and self.cut_boxes:
            self._cut += 1
            remaining = boxes.cut(box, *size)
            if remaining is None:
                return None
            box = list(remaining)
        elif wrong:
            raise UserError(
                f'box {boxes.show(corners)} {wrong}; correct it, set first_pixel (now '
                f'{self.first_pixel}) if the files count from another number, or '
                'cut_boxes=True.'
            )
        difficult = element.findtext('difficult', '0').strip() not in ('', '0')
        least = self.bbox_min_size or 0
        tiny = box[2] - box[0] < least or box[3] - box[1] < least
        return dict(bbox=box, bbox_label=label, ignore_flag=int(difficult or tiny))


def _the_file(
    name: str, files: dict[str, list[Path]], kind: str, folder: str, problems: Problems
) -> Path | None:
    found = files.get(name, [])
    if len(found) == 1:
        return found[0]
    if found:
        both = ' and '.join(file.name for file in found)
        problems.add(f"'{name}' has several files of one name, {both}; keep one.")
    else:
        problems.add(
            f"'{name}' has no {kind} in '{folder}'; add the file, or take the name out "
            'of the list and the other folder (names are without ending).'
        )
    return None


def _size(root: ET.Element, image: str) -> tuple[int, int]:
    """Width and height from the xml or, where it has none, from the image's header."""
    width, height = (root.findtext(f'size/{key}', '0') for key in ('width', 'height'))
    if int(float(width)) > 0 and int(float(height)) > 0:
        return int(float(width)), int(float(height))
    with Image.open(image) as opened:
        return opened.size


def _text(element: ET.Element, key: str) -> str:
    text = (element.findtext(key) or '').strip()
    if not text:
        raise UserError(f'expected a <{key}>, there is none; add it.')
    return text


def _number(element: ET.Element, key: str) -> float:
    text = _text(element, f'bndbox/{key}')
    try:
        return float(text)
    except ValueError:
        raise UserError(
            f"expected a number in <{key}>, got '{text}'; correct it."
        ) from None
