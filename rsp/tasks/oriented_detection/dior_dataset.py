"""DIOR-R in its original layout, refusing what mmrotate's reader drops."""

import math
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import Any

from mmrotate.datasets import DIORDataset
from PIL import Image

from rsp.errors import MissingData, UserError, shorten
from rsp.io.text import read_names
from rsp.registry import DATASETS
from rsp.tasks.oriented_detection.label_report import LabelReport, with_objects
from rsp.tasks.oriented_detection.labels import (
    Label,
    check_class,
    list_images,
    refuse,
)

CORNERS = tuple(
    f'{axis}_{corner}'
    for corner in ('left_top', 'right_top', 'right_bottom', 'left_bottom')
    for axis in 'xy'
)


@DATASETS.register_module()
class OrientedDIORDataset(DIORDataset):
    """DIOR-R: DIOR's images with oriented boxes of 20 classes.

    mmrotate's data set, except that

    * listed images without xml or image file are refused at the start, by name;
    * objects without name, box or with an unknown class are refused with file and
      object, where it raises a bare KeyError or AttributeError;
    * objects without area and images without objects are counted and reported;
    * height and width are right where the xml has no ``size`` (it swaps them);
    * images may be png, tif or bmp as well.

    Layout on disk, as published::

        ImageSets/Main/{train,val,test}.txt          lines: names without ending
        JPEGImages-trainval/00001.jpg                JPEGImages-test/11726.jpg
        Annotations/Oriented Bounding Boxes/00001.xml

    DIOR: Li et al., ISPRS 2020, https://arxiv.org/abs/1909.00133; DIOR-R: Cheng et al.,
    TGRS 2022, https://arxiv.org/abs/2110.01931.

    Args:
        data_root: Folder that the others are relative to.
        ann_file: List of names.
        ann_subdir: Folder of the xml files.
        data_prefix: ``img_path``: folder of the images.
        diff_thr: Objects whose ``difficult`` is higher are ignored. The default scores
            and learns all, as mmrotate does.
        kwargs: Further arguments of mmrotate's DIORDataset.

    Raises:
        FileNotFoundError: If a folder, a list or a listed file is missing.
        ValueError: See above.
    """

    def __init__(self, diff_thr: int = 100, **kwargs: Any) -> None:
        self.diff_thr = diff_thr
        if kwargs.get('ann_type', 'obb') != 'obb':
            raise UserError(
                "expected ann_type='obb', horizontal boxes are read by the detection "
                'configs (configs/downstream/detection).'
            )
        super().__init__(**kwargs)

    def load_data_list(self) -> list[dict]:
        """List the images with their objects."""
        names = self._listed_names()
        images = list_images(Path(self.data_prefix['img_path']))
        folder = Path(self.data_root, self.ann_subdir)
        self._refuse_absent(names, images, folder)
        classes = self.metainfo['classes']
        report = LabelReport(f'Labels of {self.ann_file}', classes, self.diff_thr)
        data_list, problems = [], []
        for name in names:
            file = folder / f'{name}.xml'
            try:
                root = ET.parse(file).getroot()
            except ET.ParseError as error:
                problems.append(f'{file}: not XML, {error}.')
                continue
            labels, found = read_objects(root, file, classes)
            problems += found
            width, height = _size(root, images[name])
            data_list.append(
                dict(
                    img_path=str(images[name]),
                    file_name=images[name].name,
                    img_id=name,
                    xml_path=str(file),
                    width=width,
                    height=height,
                    instances=report.instances(name, labels),
                )
            )
        refuse(problems, 'repair these files')
        report.log()
        return data_list

    def _listed_names(self) -> list[str]:
        if not Path(self.ann_file).is_file():
            raise MissingData(
                f"expected a list of images at '{self.ann_file}', there is none; "
                "change 'data_root' or 'ann_file'."
            )
        names = read_names(self.ann_file)
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice or not names:
            raise UserError(
                f"expected each image once in '{self.ann_file}', got "
                f'{shorten(sorted(twice)) + " twice" if twice else "no line"}.'
            )
        return names

    def _refuse_absent(
        self, names: list[str], images: dict[str, Path], folder: Path
    ) -> None:
        for what, absent, where in (
            ('images', set(names) - images.keys(), self.data_prefix['img_path']),
            (
                'xml files',
                {n for n in names if not (folder / f'{n}.xml').is_file()},
                folder,
            ),
        ):
            if absent:
                raise MissingData(
                    f"{len(absent)} {what} of '{self.ann_file}' are not in '{where}' "
                    f'({shorten(sorted(absent))}); the download may be incomplete.'
                )

    def filter_data(self) -> list[dict]:
        """Leave out images without objects for training, and say how many."""
        if self.test_mode:
            return self.data_list
        return with_objects(self.data_list, self.filter_cfg)


def read_objects(
    root: ET.Element, file: Path, classes: tuple[str, ...]
) -> tuple[list[Label], list[str]]:
    """Read the objects of a DIOR-R xml.

    Args:
        root: Parsed file.
        file: For messages.
        classes: Known names, lower case; the files write some with capitals.

    Returns:
        The objects, and a sentence for each one that is malformed.
    """
    labels, problems = [], []
    for number, node in enumerate(root.findall('object'), start=1):
        place = f'object {number}'
        try:
            labels.append(_parse(node, place, classes))
        except ValueError as error:
            problems.append(f'{file}, {place}: {error}.')
    return labels, problems


def _parse(node: ET.Element, place: str, classes: tuple[str, ...]) -> Label:
    name = (node.findtext('name') or '').strip().lower()
    check_class(name, classes)
    try:
        polygon = tuple(float(node.findtext(f'robndbox/{c}') or '') for c in CORNERS)
    except ValueError:
        raise UserError(
            f"expected the corners {CORNERS[0]} ... {CORNERS[-1]} in 'robndbox' as "
            'numbers; are these the horizontal boxes?'
        ) from None
    if not all(math.isfinite(value) for value in polygon):
        raise UserError("expected finite corners in 'robndbox'")
    difficult = (node.findtext('difficult') or '0').strip()
    if difficult not in ('0', '1'):
        raise UserError(f"expected 'difficult' to be 0 or 1, got '{difficult}'")
    return Label(polygon, name, int(difficult), place)


def _size(root: ET.Element, image: Path) -> tuple[int, int]:
    """Width and height, from the image where the xml does not tell."""
    texts = root.findtext('size/width'), root.findtext('size/height')
    if all(text and text.strip().isdecimal() and int(text) > 0 for text in texts):
        return int(texts[0] or 0), int(texts[1] or 0)
    with Image.open(image) as opened:
        return opened.size
