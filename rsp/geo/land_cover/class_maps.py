"""Map the codes of a land-cover raster to GeoKR's classes."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rsp.errors import MissingData, UserError, shorten
from rsp.geo.land_cover.class_tables import (
    COLORS,
    FILE_NAMES,
    NODATA,
    SYNONYMS,
    TABLES,
)
from rsp.io.text import load_json
from rsp.ops.fractions import LAND_COVER_CLASSES, OFFICIAL_SPELLINGS

# What `ClassMap.classify` returns beside the indices of the 11 classes.
NODATA_INDEX = len(LAND_COVER_CLASSES)
UNKNOWN_INDEX = NODATA_INDEX + 1
# Copies of official maps have colors that were rounded in other ways.
COLOR_TOLERANCE = 4


@dataclass(frozen=True)
class ClassMap:
    """Map codes of a land-cover raster to classes.

    Args:
        name: For messages and reports.
        codes: Class of each code, one of ``LAND_COVER_CLASSES``.
        nodata: Codes without data.
    """

    name: str
    codes: Mapping[int, str]
    nodata: frozenset[int] = frozenset()

    def classify(self, codes: Iterable[int]) -> np.ndarray:
        """Return the class index of each code.

        Args:
            codes: K integers.

        Returns:
            Shape (K,): 0 to 10 as in ``LAND_COVER_CLASSES``, `NODATA_INDEX` or, for
            codes that the map does not list, `UNKNOWN_INDEX`.
        """
        return np.array([self._index(int(code)) for code in codes], dtype=np.intp)

    def _index(self, code: int) -> int:
        if code in self.codes:
            return LAND_COVER_CLASSES.index(self.codes[code])
        return NODATA_INDEX if code in self.nodata else UNKNOWN_INDEX


def load_class_map(source: Any) -> ClassMap:
    """Load a class map from what a config or a command names.

    ::

        'nlcd'                                          one of the tables
        dict(base='nlcd', codes={52: 'Grassland'})      a table with other choices
        dict(base='esri', nodata=[11])                  ... with codes to leave out
        {1: 'water', 2: 'forest', 0: 'no data'}         one's own
        'classes.json'                                  any of these dicts in a file

    Classes may have their own names or plain words ("forest", "built-up").

    Args:
        source: Any of the above, or a ready class map.

    Raises:
        MissingData: If a file of that name is missing.
        UserError: If a table, a key or a class is not known, or a code is no integer.
    """
    if isinstance(source, ClassMap):
        return source
    if isinstance(source, Mapping):
        return _from_mapping(source, 'own class map')
    if str(source).lower() in TABLES:
        return _from_table(str(source).lower())
    if not str(source).endswith('.json'):
        raise UserError(
            f'expected a class map out of {", ".join(TABLES)}, a .json file or a dict '
            f"of code: class, got '{source}'."
        )
    file = Path(source)
    if not file.is_file():
        raise MissingData(f"expected a class map at '{file}', there is no file.")
    try:
        content = load_json(file.read_bytes())
    except ValueError as error:
        raise UserError(f"'{file}' is no valid JSON ({error}); repair it.") from error
    if not isinstance(content, dict):
        raise UserError(f"expected an object of code: class in '{file}'.")
    return _from_mapping(content, file.name)


def guess_class_map(
    name: str, colors: Mapping[int, tuple] | None, codes: Collection[int]
) -> str | None:
    """Return the table that a raster certainly belongs to, if there is one.

    Certain is an official file name, or the official colors in the color table; in
    either case the table must list all codes.

    Args:
        name: File name without ending.
        colors: Color table of the raster, code -> (red, green, blue, ...), 0-255.
        codes: Codes found in the raster.

    Returns:
        Key of ``TABLES``; None if there is no or more than one candidate.
    """
    by_name = {
        t for t, pattern in FILE_NAMES.items() if re.fullmatch(pattern, name, re.I)
    }
    by_color = {
        t for t, known in COLORS.items() if colors and _same_colors(known, colors)
    }
    candidates = by_name | by_color
    if len(candidates) != 1:
        return None
    (table,) = candidates
    unknown = _from_table(table).classify(codes) == UNKNOWN_INDEX
    return None if unknown.any() else table


def describe_class_maps(codes: Collection[int], shown: int = 30) -> str:
    """Describe the codes found and how many of them each table lists, for a message."""
    known = {
        table: int((_from_table(table).classify(codes) != UNKNOWN_INDEX).sum())
        for table in TABLES
    }
    tables = [f'{t} (knows {n} of the {len(codes)} codes)' for t, n in known.items()]
    listed = shorten([str(code) for code in sorted(codes)], shown)
    return f'codes found: {listed}; class maps: {", ".join(tables)}'


def _same_colors(known: Mapping[int, tuple], found: Mapping[int, tuple]) -> bool:
    return all(
        code in found
        and np.allclose(rgb, found[code][:3], rtol=0, atol=COLOR_TOLERANCE)
        for code, rgb in known.items()
    )


def _from_table(name: str) -> ClassMap:
    codes = {
        code: label
        for label, listed in TABLES[name].items()
        for code in _expand(listed)
    }
    return _split(name, codes)


def _expand(listed: str) -> list[int]:
    """Return the codes of a line like '1-6 10 -128'."""
    codes: list[int] = []
    for first, last in re.findall(r'(-?\d+)(?:-(\d+))?', listed):
        codes += range(int(first), int(last or first) + 1)
    return codes


def _split(name: str, codes: Mapping[int, str]) -> ClassMap:
    classes = {code: label for code, label in codes.items() if label != NODATA}
    return ClassMap(name, classes, frozenset(codes.keys() - classes.keys()))


def _from_mapping(given: Mapping, name: str) -> ClassMap:
    keys = {str(key) for key in given}
    named = keys & {'base', 'codes', 'nodata'}
    if not named:
        return _split(name, _classes_by_code(given, name))
    codes, nodata = given.get('codes', {}), given.get('nodata', ())
    if not isinstance(codes, Mapping) or not isinstance(nodata, list | tuple | set):
        raise UserError(
            f"expected 'codes' as code: class and 'nodata' as a list of codes in the "
            f"class map '{name}', got {codes!r} and {nodata!r}."
        )
    if keys - named:
        raise UserError(
            f"expected only 'base', 'codes' and 'nodata' in the class map '{name}', "
            f'got also {", ".join(sorted(keys - named))}; put codes into '
            'codes=dict(...).'
        )
    base = load_class_map(given['base']) if 'base' in given else ClassMap(name, {})
    classes = {**dict.fromkeys(base.nodata, NODATA), **base.codes}
    classes |= _classes_by_code(codes, name)
    classes |= dict.fromkeys(_integers(nodata, name), NODATA)
    return _split(f'{base.name}, changed' if 'base' in given else name, classes)


def _classes_by_code(given: Mapping, name: str) -> dict[int, str]:
    labels = [_class_named(label, name) for label in given.values()]
    return dict(zip(_integers(given, name), labels, strict=True))


def _integers(given: Iterable, name: str) -> list[int]:
    codes = []
    for code in given:
        if not re.fullmatch(r'-?\d+', str(code)):
            raise UserError(
                f"expected integers as codes in the class map '{name}', got {code!r}."
            )
        codes.append(int(code))
    return codes


def _class_named(label: Any, class_map: str) -> str:
    """Return the class that a name or a plain word stands for."""
    word = NODATA if label is None or label == '' else label
    name = CLASS_OF_WORD.get(_letters(word)) if isinstance(word, str) else None
    if name is None:
        raise UserError(
            f"expected code: class in the class map '{class_map}', e.g. 10: 'forest', "
            f'got {label!r} as a class; known are {", ".join(LAND_COVER_CLASSES)}, '
            f'their plain English names, and {NODATA!r}.'
        )
    return name


def _letters(text: str) -> str:
    return re.sub('[^a-z]', '', text.lower())


CLASS_OF_WORD = {
    _letters(word): name
    for name, synonyms in SYNONYMS.items()
    for word in (name, *synonyms.split())
} | {_letters(official): name for official, name in OFFICIAL_SPELLINGS.items()}
