"""From DOTA's text files, oriented, to a COCO json with upright boxes."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import mmengine
from PIL import Image

from rsp.errors import MissingData, UserError
from rsp.io.text import read_lines
from rsp.tasks.detection import boxes
from rsp.tasks.detection.class_names import ClassNames
from rsp.tasks.detection.dota import CLASSES
from rsp.tasks.detection.problems import Problems
from rsp.tasks.detection.voc import EXTENSIONS

LABEL_FOLDERS = ('annfiles', 'labelTxt')
# First lines of the original files; tiles have none.
HEADERS = ('imagesource:', 'gsd:')
# Third value of the tile cutter: cut off by the tile's edge, but mostly inside.
CUT_OFF = 2


@dataclass
class Conversion:
    """A COCO json in the making, with its counts.

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
        listed = '\n'.join(f'  {n}: {self.per_class[n]}' for n in CLASSES)
        flat = ''.join(f'\n  {place}' for place in self.flat)
        return (
            f'{len(self.content["images"])} images, {self.empty} of them without '
            f'objects; {len(self.content["annotations"])} boxes, {self.difficult} of '
            f'them difficult, {self.cut} cut at the edge of the image; {self.outside} '
            f'objects outside and {len(self.flat)} without area left out.{flat}\n'
            f'{listed}'
        )


def convert(folder: str | Path, ignore_difficult: bool) -> Conversion:
    """Read images and labels of a folder, refuse what is malformed.

    The box of an object is the smallest upright one around its four corners, cut at the
    image's edge. Files are taken in the order of their names.

    Args:
        folder: With ``images`` and ``annfiles`` or ``labelTxt``; lines of
            ``x1 y1 x2 y2 x3 y3 x4 y4 class difficult`` below up to two header lines.
        ignore_difficult: Mark difficult objects (1; not 2, cut off by a tile's edge) as
            ``iscrowd``: neither trained on nor counted as mistakes.

    Raises:
        FileNotFoundError: If a folder is missing.
        ValueError: With file and line of all that is malformed, and the names of images
            without labels and labels without image.
    """
    images, labels = _folders(Path(folder))
    problems = Problems(str(folder))
    pictures = {f.stem: f for f in images.iterdir() if f.suffix.lower() in EXTENSIONS}
    texts = {file.stem: file for file in labels.glob('*.txt')}
    for name in sorted(pictures.keys() - texts.keys()):
        problems.add(f"image '{pictures[name]}' has no file in '{labels.name}'.")
    for name in sorted(texts.keys() - pictures.keys()):
        problems.add(f"labels '{texts[name]}' have no image in '{images.name}'.")
    if not pictures:
        problems.add(f"'{images}' has no image ({', '.join(EXTENSIONS)}).")

    names = ClassNames(CLASSES)
    categories = [dict(id=number, name=name) for number, name in enumerate(CLASSES)]
    made = Conversion(dict(images=[], annotations=[], categories=categories))
    for name in sorted(pictures.keys() & texts.keys()):
        with Image.open(pictures[name]) as image:
            width, height = image.size
        number = len(made.content['images']) + 1
        file_name = pictures[name].name
        made.content['images'].append(
            dict(id=number, file_name=file_name, width=width, height=height)
        )
        before = len(made.content['annotations'])
        try:
            lines = _lines(texts[name])
        except ValueError as error:
            problems.add(str(error))
            continue
        for place, line in lines:
            try:
                box, label, difficult = _parse(line, names)
            except ValueError as error:
                problems.add(str(error), place)
                continue
            if box[2] <= box[0] or box[3] <= box[1]:
                made.flat.append(place)
                continue
            _add(made, number, box, label, difficult, ignore_difficult)
        made.empty += len(made.content['annotations']) == before
    problems.refuse()
    return made


def write(conversion: Conversion, out: str | Path) -> None:
    """Write the json, with its folder where there is none."""
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    mmengine.dump(conversion.content, str(out), file_format='json')


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


def _lines(file: Path) -> list[tuple[str, str]]:
    """Lines that should be an object, with a name for messages."""
    lines = []
    for number, line in enumerate(read_lines(file), start=1):
        header = number <= len(HEADERS) and line.lower().startswith(HEADERS)
        if line.strip() and not header:
            lines.append((f"'{file}', line {number}", line.strip()))
    return lines


def _parse(line: str, names: ClassNames) -> tuple[list[float], int, int]:
    """Upright box, class number and difficulty of an object."""
    parts = line.split()
    if len(parts) != 10:
        raise UserError(
            'expected 10 values, x1 y1 x2 y2 x3 y3 x4 y4 class difficult, got '
            f"{len(parts)}: '{line}'; correct or remove the line."
        )
    try:
        corners = [float(part) for part in parts[:8]]
    except ValueError:
        corners = [math.nan]
    if not all(math.isfinite(value) for value in corners):
        raise UserError(f"expected 8 numbers first, got '{line}'; correct the line.")
    if parts[9] not in ('0', '1', '2'):
        raise UserError(
            f"expected 0, 1 or 2 (difficult) at the end, got '{parts[9]}'; correct it."
        )
    across, down = corners[0::2], corners[1::2]
    box = [min(across), min(down), max(across), max(down)]
    return box, names.number(parts[8]), int(parts[9])


def _add(
    made: Conversion,
    image: int,
    box: Sequence[float],
    label: int,
    difficulty: int,
    ignore_difficult: bool,
) -> None:
    size = made.content['images'][-1]
    inside = boxes.cut(box, size['width'], size['height'])
    if inside is None:
        made.outside += 1
        return
    made.cut += tuple(box) != inside
    difficult = difficulty not in (0, CUT_OFF)
    made.difficult += difficult
    made.per_class[CLASSES[label]] += 1
    left, top, right, bottom = inside
    made.content['annotations'].append(
        dict(
            id=len(made.content['annotations']) + 1,
            image_id=image,
            category_id=label,
            bbox=[left, top, right - left, bottom - top],
            area=(right - left) * (bottom - top),
            iscrowd=int(difficult and ignore_difficult),
            difficult=difficulty,
        )
    )
