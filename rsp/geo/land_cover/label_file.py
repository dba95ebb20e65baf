"""Write and read files of land-cover labels, a line per window.

::

    {"rsp_land_cover_labels": 1, "scenes": "..", "class_map": "nlcd", "rasters": [..]}
    {"image": "a/b.tif", "window": [x, y, width, height],
     "counts": {"Cultivated_Land": 0, "Forest": 12.5, ..}, "nodata": 0,
     "unknown": 0, "coverage": 1, "crs": "EPSG:32633", "pixel_size": [10, 10],
     "date": "2020-06-01"}

Images are relative to the folder of scenes. Windows are written in GDAL's order, which
here alone is not that of `Window`. Counts of the 11 classes, of no data and of unknown
codes are in land-cover cells, each by its share inside the window; coverage is the
share of the window with land cover, 0 to 1; pixel sizes are in units of the CRS. Where
a part of a window has no pixels, "valid" is the share that has, 0 to 1.

Training reads these files, so this module needs no package of the geo extra.
"""

import json
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rsp.errors import MissingData, UserError
from rsp.geo.windows.window import Window
from rsp.io.files import write_atomically
from rsp.io.listing import names_of_file
from rsp.io.stores import PackedNames
from rsp.io.stores.names import encode
from rsp.io.text import load_json
from rsp.ops.fractions import LAND_COVER_CLASSES, order_counts

MARK = 'rsp_land_cover_labels'
# What a damaged line raises.
DAMAGE = (ValueError, KeyError, TypeError, AttributeError, OverflowError)
NAME = 'labels.jsonl'
# Lines that take a second to parse; the LEVIR-KR set of GeoKR has 1.4 million.
LONG = 30_000
# Of what is kept of a file; that of another version is made anew.
VERSION = 1
# Drawn beside it.
PICTURE = 'map.png'


@dataclass
class LandCoverLabels:
    """Store all labels of a file.

    Args:
        header: First line.
        images: Path of each window's image, below the folder of scenes.
        windows: Top, left, height and width in pixels, shape (N, 4).
        counts: Cells by class, ordered as ``LAND_COVER_CLASSES``, shape (N, 11).
        coverage: Share of each window with land cover, 0 to 1, shape (N,).
        valid: Share of each window with pixels, 0 to 1, shape (N,); files of before
            November 2026 do not tell it, and have 1.
    """

    header: dict[str, Any]
    images: PackedNames
    windows: np.ndarray
    counts: np.ndarray
    coverage: np.ndarray
    valid: np.ndarray


def write_labels(path: Path, header: Mapping[str, Any], lines: Iterable[str]) -> None:
    """Write a label file atomically.

    Args:
        path: File.
        header: Origin of the labels.
        lines: JSON of each window, see `format_label`.
    """
    with (
        write_atomically(path) as unfinished,
        unfinished.open('w', encoding='utf-8') as file,
    ):
        file.write(json.dumps({MARK: 1, **header}) + '\n')
        file.writelines(f'{line}\n' for line in lines)


def format_label(image: str, window: Window, counts: np.ndarray, **further: Any) -> str:
    """Return the JSON line of one window.

    Args:
        image: Path below the folder of scenes, with forward slashes.
        window: In pixels of the image.
        counts: Cells by class, shape (11,).
        further: Other entries of the line.
    """
    by_name = dict(zip(LAND_COVER_CLASSES, map(_shorten, counts), strict=True))
    rest = {
        key: _shorten(value) if isinstance(value, float) else value
        for key, value in further.items()
    }
    box = (window.left, window.top, window.width, window.height)
    return json.dumps(dict(image=image, window=box, counts=by_name, **rest))


def read_labels(path: Path | str) -> LandCoverLabels:
    """Read a label file, or the one in a folder.

    What a long one says is kept in the user's cache until its size or time changes.

    Raises:
        MissingData: If there is none.
        UserError: If it is not such a file, or a line is damaged.
    """
    file = Path(path) / NAME if Path(path).is_dir() else Path(path)
    if not file.is_file():
        raise MissingData(
            f"expected labels of land cover at '{file}', there is no such file; make "
            'them by tools/dataset_tools/make_land_cover_labels.py.'
        )
    images, facts, rows = names_of_file(
        file, f'land cover {VERSION}', lambda: _parse(file), LONG
    )
    windows, counts, shares = np.split(rows, [4, 4 + len(LAND_COVER_CLASSES)], axis=1)
    return LandCoverLabels(
        facts['header'], images, windows.astype(np.int64), counts, *shares.T
    )


def _parse(file: Path) -> tuple[PackedNames, dict[str, Any], np.ndarray]:
    """Return the images, the header and a row of numbers for each image.

    A row holds top, left, height, width, the counts, coverage and valid share.
    """
    images, values = bytearray(), array('d')
    with file.open('rb') as lines:
        header = _parse_header(file, lines.readline())
        for number, line in enumerate(lines, start=2):
            try:
                record = load_json(line)
                image = encode(_text(record['image']))
                left, top, width, height = array('q', record['window'])
                window = Window(top, left, height, width)
                shares = float(record['coverage']), float(record.get('valid', 1))
                row = (*window, *order_counts(record['counts']), *shares)
            except DAMAGE as error:
                raise UserError(
                    f"line {number} of '{file}' is no label "
                    f'({type(error).__name__}: {error}); make the file again.'
                ) from error
            images += image + b'\0'
            values.extend(row)
    rows = np.array(values).reshape(-1, 4 + len(LAND_COVER_CLASSES) + 2)
    return PackedNames(np.frombuffer(images, np.uint8)), dict(header=header), rows


def _text(value: Any) -> str:
    if not isinstance(value, str) or '\0' in value:
        raise TypeError(f'expected the path of an image, got {value!r}')
    return value


def _parse_header(file: Path, line: bytes) -> dict[str, Any]:
    try:
        header = load_json(line)
        version = header.get(MARK)
    except (ValueError, AttributeError):
        version = None
    if version != 1:
        shown = line[:60].strip().decode(errors='replace')
        raise UserError(
            f"expected labels of land cover in '{file}', whose first line has "
            f'"{MARK}": 1, got {shown!r}; make them by '
            'tools/dataset_tools/make_land_cover_labels.py.'
        )
    return header


def _shorten(number: float) -> float | int:
    """Drop the point of whole numbers."""
    number = float(number)
    return int(number) if number.is_integer() else number
