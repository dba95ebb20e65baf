"""Read the label files of DOTA: one object per line, checked line by line."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from rsp.errors import UserError
from rsp.io.text import read_lines
from rsp.ops import check
from rsp.tasks.common.class_names import ClassNames
from rsp.tasks.common.faults import Faults
from rsp.tasks.common.values import read_flag, refuse_no_pixels

# DOTA-v1.0, in the order of the published class numbers.
CLASSES = (
    'plane', 'baseball-diamond', 'bridge', 'ground-track-field', 'small-vehicle',
    'large-vehicle', 'ship', 'tennis-court', 'basketball-court', 'storage-tank',
    'soccer-ball-field', 'roundabout', 'harbor', 'swimming-pool', 'helicopter',
)  # fmt: skip
# Later releases label the same images anew, and v2.0 more images; https://
# captain-whu.github.io/DOTA/dataset.html. The numbers of v1.0 stay.
VERSIONS = {
    '1.0': CLASSES,
    '1.5': (*CLASSES, 'container-crane'),
    '2.0': (*CLASSES, 'container-crane', 'airport', 'helipad'),
}
# Red, green, blue of each of these, in pictures.
PALETTE = [
    (0, 176, 255), (255, 128, 0), (176, 48, 96), (224, 112, 48), (255, 224, 0),
    (255, 160, 0), (64, 224, 255), (64, 224, 96), (255, 160, 128),
    (0, 224, 208), (160, 208, 64), (192, 64, 255), (96, 128, 255),
    (128, 255, 224), (255, 64, 64), (208, 144, 96), (176, 176, 255), (240, 240, 240),
]  # fmt: skip
FORMAT = "'x1 y1 x2 y2 x3 y3 x4 y4 class difficult'"
HEADERS = ('imagesource', 'gsd')
# Difficulty of an object that the border of its patch cuts off, beside 0 and 1.
CUT_OFF = 2
Point = tuple[float, float]


@dataclass(frozen=True)
class Label:
    """Store one object of an image.

    Args:
        polygon: Corners x1, y1, ..., x4, y4 in pixels of the image.
        name: Class.
        difficult: 0, 1 (difficult), or 2 (cut off by the border of a patch).
        place: Its place in the file, such as ``'line 3'``.
    """

    polygon: tuple[float, ...]
    name: str
    difficult: int
    place: str

    @property
    def is_flat(self) -> bool:
        """Tell whether all corners lie on one line: no box has such a shape."""
        corners = list(zip(self.polygon[::2], self.polygon[1::2], strict=True))
        return all(_doubled_area(*abc) == 0 for abc in combinations(corners, 3))

    def refuse_outside(self, image: Mapping[str, Any]) -> None:
        """Refuse an object of which the image shows less than half.

        Corners may lie outside: a rotated box around what the border cuts off reaches
        beyond it.

        Args:
            image: mmdet's record, with ``img_path``, ``height`` and ``width``.

        Raises:
            UserError: If the center of its corners lies outside the image.
        """
        x, y = sum(self.polygon[::2]) / 4, sum(self.polygon[1::2]) / 4
        width, height = image['width'], image['height']
        if not (0 <= x <= width and 0 <= y <= height):
            shown = ', '.join(f'{value:g}' for value in self.polygon)
            raise UserError(
                f"the center of ({shown}) lies outside '{image['img_path']}' of {width}"
                f' x {height} pixels (width x height); are these the labels of another '
                'image or size? Correct or remove it.'
            )


def classes_of(version: str) -> tuple[str, ...]:
    """Return the classes of a release of DOTA, in the order of their numbers.

    Raises:
        UserError: If it is none of ``'1.0'``, ``'1.5'`` and ``'2.0'``.
    """
    check.one_of("'version' of DOTA", version, VERSIONS)
    return VERSIONS[version]


def read_labels(file: Path, names: ClassNames, faults: Faults) -> list[Label]:
    """Read a label file of DOTA, original or of a patch.

    Lines are ``x1 y1 x2 y2 x3 y3 x4 y4 class difficult``; a missing flag means 0, as in
    DOTA's development kit. The two lines ``imagesource:`` and ``gsd:`` may come first.

    Args:
        file: Text file.
        names: Known classes.
        faults: Gets the lines that are no object, with file and number.
    """
    labels: list[Label] = []
    with faults.at(''):
        for number, line in enumerate(read_lines(file), start=1):
            if not line.strip() or (not labels and _is_header(line)):
                continue
            place = f'line {number}'
            with faults.at(f"'{file}', {place}"):
                labels.append(_parse(line.split(), place, names))
    return labels


def _is_header(line: str) -> bool:
    return line.partition(':')[0].strip().lower() in HEADERS


def _parse(items: list[str], place: str, names: ClassNames) -> Label:
    if len(items) not in (9, 10):
        raise UserError(f'expected {FORMAT}, got {len(items)} values; correct it.')
    *numbers, name = items[:9]
    try:
        polygon = tuple(float(number) for number in numbers)
    except ValueError:
        polygon = (math.nan,)
    if not all(math.isfinite(value) for value in polygon):
        raise UserError(
            f"expected 8 numbers first, got '{' '.join(items)}'; correct the line."
        )
    refuse_no_pixels(polygon, 'the object')
    flag = items[9] if len(items) == 10 else '0'
    difficult = CUT_OFF
    if flag != str(CUT_OFF):
        difficult = int(read_flag(flag, 'the last place', '0, 1 or 2 (difficult)'))
    if len(items) == 9 and _is_number(name):
        raise UserError(f'expected {FORMAT}, got 9 numbers; write the class last.')
    releases = [v for v, classes in VERSIONS.items() if name in classes]
    if name not in names and releases and names.classes in VERSIONS.values():
        raise UserError(
            f"class '{name}' came with DOTA-v{releases[0]}; set "
            f"version='{releases[0]}' (--version {releases[0]})."
        )
    names.number(name)  # Refuses an unknown one.
    return Label(polygon, name, difficult, place)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _doubled_area(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
