"""Load upright boxes from a COCO json."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mmengine
from mmdet.datasets import CocoDataset
from PIL import Image

from rsp.errors import MissingData, UserError
from rsp.registry import DATASETS
from rsp.tasks.common import report
from rsp.tasks.common.class_names import ClassNames
from rsp.tasks.common.faults import Faults
from rsp.tasks.detection import boxes

# What is read of every entry of the json's lists.
KEYS = dict(
    images=('image', ('id', 'file_name')),
    annotations=('annotation', ('image_id', 'category_id', 'bbox')),
    categories=('category', ('id', 'name')),
)


@DATASETS.register_module()
class CocoDetectionDataset(report.ReportedImages, CocoDataset):
    """Load images with a COCO json, none silently left out, classes by name.

    mmdet's CocoDataset drops annotations of classes it does not know and boxes it
    cannot use, and numbers the classes in the order of the json, so that two files
    with the same classes in another order disagree. This one refuses such annotations
    and boxes, all named at once, and takes the number from the place of the name in
    ``metainfo.classes``. Score it without ``ann_file`` in the metric, which would
    number in the order of the json again (`BoxAveragePrecision` has none).

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
        UserError: If images, classes or boxes do not fit, see above.
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
        content = self._content()
        faults = Faults(self.ann_file)
        self._cut = 0
        for name, (noun, keys) in KEYS.items():
            _require(content[name], noun, keys, faults)
        faults.refuse()
        names = {c['id']: c['name'] for c in content['categories']}
        images: dict[int, dict] = {}
        for image in content['images']:
            self._add_image(image, images, faults)
        seen: set = set()
        for annotation in content['annotations']:
            where = f'annotation {annotation.get("id")}'
            if annotation.get('id') in seen:
                faults.add('two have this id; give each its own.', where)
            seen.add(annotation.get('id'))
            with faults.at(where):
                self._add_box(annotation, images, names)
        faults.refuse()
        records = list(images.values())
        report.log_contents(self.ann_file, records, self.class_names.classes)
        self._log_leftovers(content, names)
        return records

    def _content(self) -> dict[str, list]:
        if not Path(self.ann_file).is_file():
            raise MissingData(
                f"expected a COCO json at '{self.ann_file}', there is none; make it or "
                "change 'data_root' and 'ann_file'."
            )
        try:
            content = mmengine.load(self.ann_file, file_format='json')
        except ValueError as error:
            raise UserError(
                f"'{self.ann_file}' is no JSON ({error}); was it cut off?"
            ) from error
        if not isinstance(content, dict) or KEYS.keys() - content.keys():
            raise UserError(
                f"expected lists 'images', 'annotations' and 'categories' in "
                f"'{self.ann_file}', as in COCO's instances_*.json."
            )
        return content

    def _add_image(self, image: dict, images: dict, faults: Faults) -> None:
        path = Path(self.data_prefix['img'], image['file_name'])
        if image['id'] in images:
            faults.add(
                f"two images have the id {image['id']}, one is '{path}'; give each its "
                'own.'
            )
        if not path.is_file():
            faults.add(
                f"image '{path}' does not exist; put it there or change data_prefix.",
                missing=True,
            )
        elif not (image.get('width') and image.get('height')):
            with Image.open(path) as opened:
                image['width'], image['height'] = opened.size
        images[image['id']] = dict(
            img_path=str(path),
            img_id=image['id'],
            seg_map_path=None,
            width=image.get('width', 0),
            height=image.get('height', 0),
            instances=[],
        )

    def _add_box(self, annotation: dict, images: dict, names: dict) -> None:
        image = images.get(annotation['image_id'])
        if image is None:
            raise UserError(
                f"its image_id {annotation['image_id']} is none of 'images'; add the "
                'image or remove the annotation.'
            )
        if annotation['category_id'] not in names:
            raise UserError(
                f"its category_id {annotation['category_id']} is none of 'categories', "
                f'{sorted(names)}; correct it.'
            )
        label = self.class_names.number(names[annotation['category_id']])
        left, top, width, height = _four_numbers(annotation['bbox'])
        box = [left, top, left + width, top + height]
        fitted = boxes.fit(box, image, self.cut_boxes)
        self._cut += fitted != box
        if fitted is None:
            return
        ignored = annotation.get('iscrowd') or annotation.get('ignore')
        image['instances'].append(
            dict(bbox=list(fitted), bbox_label=label, ignore_flag=int(bool(ignored)))
        )

    def _log_leftovers(self, content: dict, names: dict) -> None:
        if self._cut:
            report.log(
                f'{self.ann_file}: {self._cut} boxes cut or left out (cut_boxes).'
            )
        listed = defaultdict(set)
        for image in content['images']:
            file = Path(self.data_prefix['img'], image['file_name'])
            listed[file.parent].add(file.name)
        for folder, files in listed.items():
            more = {f.name for f in folder.iterdir() if f.is_file()} - files
            if more:
                report.log(
                    f"{self.ann_file}: {len(more)} files in '{folder}' are not in it."
                )
        unused = sorted(n for n in names.values() if n not in self.class_names)
        if unused:
            report.log(
                f'{self.ann_file}: categories without an annotation that are no class: '
                f'{", ".join(unused)}.'
            )


def _require(
    entries: Sequence[dict], noun: str, keys: Sequence[str], faults: Faults
) -> None:
    """Note the entries of a list that lack keys."""
    for number, entry in enumerate(entries):
        lacking = [key for key in keys if key not in entry]
        if lacking:
            faults.add(
                f'no {" and no ".join(map(repr, lacking))}; add it, or remove the '
                f'{noun}.',
                f'{noun} {entry.get("id", f"in place {number}")}',
            )


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
