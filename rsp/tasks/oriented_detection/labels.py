"""DOTA's label files: one object per line, checked line by line."""

import difflib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from rsp.errors import MissingData, UserError, shorten

IMAGE_ENDINGS = ('.png', '.jpg', '.jpeg', '.tif', '.tiff', '.bmp')
FORM = "'x1 y1 x2 y2 x3 y3 x4 y4 class difficult'"
HEADERS = ('imagesource', 'gsd')
# Not difficult, difficult, and cut off by the border of a patch.
DIFFICULTIES = ('0', '1', '2')
SHOWN = 10
Point = tuple[float, float]


@dataclass(frozen=True)
class Label:
    """One object of an image.

    Args:
        polygon: Corners x1, y1, ..., x4, y4 in pixels of the image.
        name: Class.
        difficult: 0, 1 (difficult), or 2 (cut off by the border of a patch).
        place: Where it stands in its file, such as ``'line 3'``.
    """

    polygon: tuple[float, ...]
    name: str
    difficult: int
    place: str

    @property
    def is_flat(self) -> bool:
        """Whether all corners lie on one line: no box has such a shape."""
        corners = list(zip(self.polygon[::2], self.polygon[1::2], strict=True))
        return all(_doubled_area(*abc) == 0 for abc in combinations(corners, 3))


def read_labels(file: Path, classes: Sequence[str]) -> tuple[list[Label], list[str]]:
    """Read a label file of DOTA, original or of a patch.

    Lines are ``x1 y1 x2 y2 x3 y3 x4 y4 class difficult``; a missing flag means 0, as in
    DOTA's development kit. The two lines ``imagesource:`` and ``gsd:`` may come first.

    Args:
        file: Text file.
        classes: Known names.

    Returns:
        The objects, and a sentence with file and line for each line that is not one.
    """
    try:
        lines = file.read_text(encoding='utf-8-sig').splitlines()
    except UnicodeDecodeError as error:
        return [], [f'{file}: expected text, got {error}.']
    labels: list[Label] = []
    problems: list[str] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or (not labels and _is_header(line)):
            continue
        try:
            labels.append(_parse(line.split(), f'line {number}', classes))
        except ValueError as error:
            problems.append(f'{file}, line {number}: {error}.')
    return labels, problems


def check_class(name: str, classes: Sequence[str]) -> None:
    """Refuse an unknown class.

    Raises:
        ValueError: With the nearest known name.
    """
    if name in classes:
        return
    lower = {known.lower(): known for known in classes}
    near = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.5)
    hint = f"nearest: '{lower[near[0]]}'" if near else f'known: {", ".join(classes)}'
    raise UserError(f"unknown class '{name}'; {hint}")


def refuse(problems: Sequence[str], remedy: str) -> None:
    """Stop if there are problems, naming the first ones and how many there are.

    Raises:
        ValueError: If there is one.
    """
    if problems:
        more = len(problems) - SHOWN
        tail = f'\n... and {more} more' if more > 0 else ''
        listed = '\n'.join(problems[:SHOWN])
        raise UserError(f'{len(problems)} faulty labels; {remedy}:\n{listed}{tail}')


def list_images(folder: Path) -> dict[str, Path]:
    """Images of a folder by name without ending, sorted.

    Raises:
        FileNotFoundError: If there is no such folder, or no image in it.
        ValueError: If two images differ by their ending only.
    """
    if not folder.is_dir():
        raise MissingData(
            f"expected a folder of images at '{folder}', there is none; change "
            "'data_root' or 'data_prefix.img_path'."
        )
    images: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() not in IMAGE_ENDINGS:
            continue
        if file.stem in images:
            raise UserError(
                f"expected one image per name, got '{images[file.stem]}' and "
                f"'{file}'; remove one."
            )
        images[file.stem] = file
    if not images:
        raise MissingData(
            f"expected images in '{folder}', found none; endings looked for: "
            f'{", ".join(IMAGE_ENDINGS)}.'
        )
    return images


def refuse_unpaired(images: Iterable[str], labels: Iterable[str], where: str) -> None:
    """Refuse images without label file and label files without image.

    Raises:
        ValueError: With names and counts of both.
    """
    images, labels = set(images), set(labels)
    parts = [
        f'{len(names)} {what} ({shorten(sorted(names))})'
        for names, what in (
            (images - labels, 'images without a label file'),
            (labels - images, 'label files without an image'),
        )
        if names
    ]
    if parts:
        raise UserError(
            f'{where}: got {" and ".join(parts)}; expected one for each. An image '
            'without objects has an empty label file.'
        )


def _is_header(line: str) -> bool:
    return line.partition(':')[0].strip().lower() in HEADERS


def _parse(items: list[str], place: str, classes: Sequence[str]) -> Label:
    if len(items) not in (9, 10):
        raise UserError(f'expected {FORM}, got {len(items)} fields')
    *numbers, name = items[:9]
    try:
        polygon = tuple(float(number) for number in numbers)
    except ValueError:
        raise UserError(f"expected {FORM}, got '{' '.join(items)}'") from None
    if not all(math.isfinite(value) for value in polygon):
        raise UserError(f"expected finite corners, got '{' '.join(numbers)}'")
    difficult = items[9] if len(items) == 10 else '0'
    if difficult not in DIFFICULTIES:
        raise UserError(
            f"expected {' or '.join(DIFFICULTIES)} for difficult, got '{difficult}'"
        )
    check_class(name, classes)
    return Label(polygon, name, int(difficult), place)


def _doubled_area(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
