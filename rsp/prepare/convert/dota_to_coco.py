"""Convert DOTA's oriented text files to a COCO json with upright boxes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import mmengine

from rsp.errors import BrokenFile, MissingData
from rsp.io.files import write_atomically
from rsp.io.images import read_info
from rsp.tasks.common.class_names import ClassNames
from rsp.tasks.common.dota import CUT_OFF, Label, classes_of, read_labels
from rsp.tasks.common.faults import Faults
from rsp.tasks.common.listing import IMAGE_ENDINGS, pair_files
from rsp.tasks.detection import boxes

LABEL_FOLDERS = ('annfiles', 'labelTxt')


@dataclass
class Conversion:
    """Collect a COCO json and its counts.

    Attributes:
        content: What the file will hold.
        per_class: Boxes by class name.
        difficult: Boxes marked as difficult.
        cut: Boxes cut at the image's edge.
        outside: Objects left out because nothing of them is inside the image.
        flat: File and line of objects left out because their corners span no area;
            the published labels have some.
        empty: Images without objects.
    """

    content: dict[str, list]
    per_class: Counter = field(default_factory=Counter)
    difficult: int = 0
    cut: int = 0
    outside: int = 0
    flat: list[str] = field(default_factory=list)
    empty: int = 0

    def __str__(self) -> str:
        listed = '\n'.join(
            f'  {c["name"]}: {self.per_class[c["name"]]}'
            for c in self.content['categories']
        )
        flat = ''.join(f'\n  {place}' for place in self.flat)
        return (
            f'{len(self.content["images"])} images, {self.empty} of them without '
            f'objects; {len(self.content["annotations"])} boxes, {self.difficult} of '
            f'them difficult, {self.cut} cut at the edge of the image; {self.outside} '
            f'objects outside and {len(self.flat)} without area left out.{flat}\n'
            f'{listed}'
        )


def convert(
    folder: str | Path, ignore_difficult: bool, version: str = '1.0'
) -> Conversion:
    """Read images and labels of a folder, refuse what is malformed.

    The box of an object is the smallest upright one around its four corners, cut at the
    image's edge. Files are taken in the order of their names.

    Args:
        folder: With ``images`` and ``annfiles`` or ``labelTxt``, see `read_labels`.
        ignore_difficult: Mark difficult objects (1; not 2, cut off by a tile's edge) as
            ``iscrowd``: neither trained on nor counted as mistakes.
        version: Release of DOTA, which decides the classes.

    Raises:
        MissingData: If a folder is missing, or files have no partner.
        UserError: With file and line of all that is malformed.
    """
    images, labels = _folders(Path(folder))
    faults = Faults(folder)
    folders = [(images, IMAGE_ENDINGS), (labels, ('.txt',))]
    pairs = pair_files(folders, faults, option='the folder')

    names = ClassNames(classes_of(version))
    categories = [dict(id=n, name=name) for n, name in enumerate(names.classes)]
    made = Conversion(dict(images=[], annotations=[], categories=categories))
    for number, (picture, text) in enumerate(pairs.values(), start=1):
        try:
            height, width = read_info(picture).shape
        except BrokenFile as error:
            faults.add(f"'{error.path}'; repair or remove the image ({error.reason}).")
            continue
        size = dict(width=width, height=height)
        made.content['images'].append(dict(id=number, file_name=picture.name, **size))
        before = len(made.content['annotations'])
        for label in read_labels(text, names, faults):
            across, down = label.polygon[0::2], label.polygon[1::2]
            box = (min(across), min(down), max(across), max(down))
            if box[2] <= box[0] or box[3] <= box[1]:
                made.flat.append(f"'{text}', {label.place}")
            else:
                _add(made, number, box, label, ignore_difficult)
        made.empty += len(made.content['annotations']) == before
    faults.refuse()
    return made


def write(conversion: Conversion, out: str | Path) -> None:
    """Write the json, with its folder where there is none."""
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    with write_atomically(out) as file:
        mmengine.dump(conversion.content, str(file), file_format='json')


def _folders(folder: Path) -> tuple[Path, Path]:
    images = folder / 'images'
    found = [folder / n for n in LABEL_FOLDERS if (folder / n).is_dir()]
    if not images.is_dir() or len(found) != 1:
        raise MissingData(
            f"expected folders 'images' and one of {' or '.join(LABEL_FOLDERS)} in "
            f"'{folder}', got images: {images.is_dir()}, labels: "
            f'{[f.name for f in found]}; give the folder of one split, e.g. .../train.'
        )
    return images, found[0]


def _add(
    made: Conversion,
    image: int,
    box: Sequence[float],
    label: Label,
    ignore_difficult: bool,
) -> None:
    size = made.content['images'][-1]
    inside = boxes.cut(box, size['width'], size['height'])
    if inside is None:
        made.outside += 1
        return
    made.cut += tuple(box) != inside
    difficult = label.difficult not in (0, CUT_OFF)
    made.difficult += difficult
    made.per_class[label.name] += 1
    left, top, right, bottom = inside
    made.content['annotations'].append(
        dict(
            id=len(made.content['annotations']) + 1,
            image_id=image,
            category_id=[c['name'] for c in made.content['categories']].index(
                label.name
            ),
            bbox=[left, top, right - left, bottom - top],
            area=(right - left) * (bottom - top),
            iscrowd=int(difficult and ignore_difficult),
            difficult=label.difficult,
        )
    )
