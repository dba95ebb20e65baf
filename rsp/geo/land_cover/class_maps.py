"""Legends: which class of GeoKR a code of a land-cover raster is."""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rsp.errors import MissingData, UserError, shorten
from rsp.geo.land_cover.class_tables import COLOURS, FILE_NAMES, NO_DATA, TABLES, WORDS
from rsp.ops.fractions import LAND_COVER_CLASSES, OFFICIAL_SPELLINGS

# Places behind the 11 classes in what `Legend.classify` returns.
NO_DATA_PLACE = len(LAND_COVER_CLASSES)
UNKNOWN_PLACE = NO_DATA_PLACE + 1


@dataclass(frozen=True)
class Legend:
    """Codes of a land-cover map and the classes they stand for.

    Args:
        name: For messages and reports.
        codes: Class of each code, one of ``LAND_COVER_CLASSES``.
        no_data: Codes that say that nothing is known there.
    """

    name: str
    codes: Mapping[int, str]
    no_data: frozenset[int] = frozenset()

    def classify(self, codes: np.ndarray) -> np.ndarray:
        """Place of each code's class.

        Args:
            codes: Integers, shape (K,).

        Returns:
            Shape (K,): 0 to 10 as in ``LAND_COVER_CLASSES``, 11 for no data, 12 for
            codes that the legend does not know.
        """
        places = [self._place(int(code)) for code in codes]
        return np.array(places, dtype=np.intp)

    def _place(self, code: int) -> int:
        if code in self.codes:
            return LAND_COVER_CLASSES.index(self.codes[code])
        return NO_DATA_PLACE if code in self.no_data else UNKNOWN_PLACE


def legend_of(given: Any) -> Legend:
    """Make a legend from what a config or a command names.

    ::

        'nlcd'                                          one of the tables
        dict(base='nlcd', codes={52: 'Grassland'})      a table with other choices
        dict(base='esri', no_data=[11])                 ... with codes to leave out
        {1: 'water', 2: 'forest', 0: 'no data'}         one's own
        'classes.json'                                  any of these dicts in a file

    Classes may have their official names or plain words ("forest", "built-up").

    Args:
        given: Any of the above, or a ready legend.

    Raises:
        FileNotFoundError: If a file of that name is missing.
        ValueError: If a table, a key or a class is not known, or a code is no integer.
    """
    if isinstance(given, Legend):
        return given
    if isinstance(given, Mapping):
        return _of_mapping(given, 'own legend')
    if str(given).lower() in TABLES:
        return _of_table(str(given).lower())
    if not str(given).endswith('.json'):
        raise UserError(
            f'expected a legend out of {", ".join(TABLES)}, a .json file or a dict of '
            f"code: class, got '{given}'."
        )
    file = Path(given)
    if not file.is_file():
        raise MissingData(f"expected a legend at '{file}', there is no file.")
    try:
        content = json.loads(file.read_text(encoding='utf-8'))
    except ValueError as error:
        raise UserError(f"'{file}' is no valid JSON ({error}); repair it.") from error
    if not isinstance(content, dict):
        raise UserError(f"expected an object of code: class in '{file}'.")
    return _of_mapping(content, file.name)


def guess_legend(
    name: str, colours: Mapping[int, tuple] | None, codes: Collection[int]
) -> str | None:
    """The table that a raster certainly belongs to, if there is one.

    Certain is an official file name, or the official colours in the colour table; in
    either case the codes must be known to the legend.

    Args:
        name: File name without ending.
        colours: Colour table of the raster, code -> (red, green, blue, ...), 0-255.
        codes: Codes found in the raster.

    Returns:
        Key of ``TABLES``; None if there is no or more than one candidate.
    """
    found = {
        table
        for table, pattern in FILE_NAMES.items()
        if re.fullmatch(pattern, name, re.IGNORECASE)
    } | {
        table
        for table, known in COLOURS.items()
        if colours and all(_alike(rgb, colours.get(c)) for c, rgb in known.items())
    }
    if len(found) != 1:
        return None
    (table,) = found
    places = _of_table(table).classify(np.array([*codes], dtype=np.int64))
    return None if (places == UNKNOWN_PLACE).any() else table


def describe_legends(codes: Iterable[int], shown: int = 30) -> str:
    """The legends there are and the codes found, for a message."""
    found = sorted(codes)
    lines = []
    for table in TABLES:
        places = _of_table(table).classify(np.array(found, dtype=np.int64))
        known = int((places != UNKNOWN_PLACE).sum())
        lines.append(f'{table} (knows {known} of the {len(found)} codes)')
    listed = shorten([str(code) for code in found], shown)
    return f'codes found: {listed}; legends: {", ".join(lines)}'


def _alike(known: tuple, found: tuple | None) -> bool:
    # Copies of the maps have colours that were rounded in other ways.
    return found is not None and all(
        abs(a - b) <= 4 for a, b in zip(known, found[:3], strict=True)
    )


def _of_table(name: str) -> Legend:
    codes: dict[int, str] = {}
    for label, listed in TABLES[name].items():
        codes |= dict.fromkeys(_expand(listed), label)
    return _split(name, codes)


def _expand(listed: str) -> list[int]:
    """Codes of a line like '1-6 10 -128'."""
    codes: list[int] = []
    for entry in listed.split():
        first, last = re.fullmatch(r'(-?\d+)(?:-(\d+))?', entry).groups()  # type: ignore[union-attr]
        codes += range(int(first), int(last or first) + 1)
    return codes


def _split(name: str, codes: Mapping[int, str]) -> Legend:
    classes = {code: label for code, label in codes.items() if label != NO_DATA}
    return Legend(name, classes, frozenset(codes.keys() - classes.keys()))


def _of_mapping(given: Mapping, name: str) -> Legend:
    keys = {str(key) for key in given}
    named = keys & {'base', 'codes', 'no_data'}
    if not named:
        return _split(name, _codes(given, name))
    codes, no_data = given.get('codes', {}), given.get('no_data', ())
    if not isinstance(codes, Mapping) or not isinstance(no_data, list | tuple | set):
        raise UserError(
            f"expected 'codes' as code: class and 'no_data' as a list of codes in the "
            f"legend '{name}', got {codes!r} and {no_data!r}."
        )
    if keys - named:
        raise UserError(
            f"expected only 'base', 'codes' and 'no_data' in the legend '{name}', got "
            f'also {", ".join(sorted(keys - named))}; put codes into codes=dict(...).'
        )
    base = legend_of(given['base']) if 'base' in given else Legend(name, {})
    classes = {**dict.fromkeys(base.no_data, NO_DATA), **base.codes}
    classes |= _codes(codes, name)
    classes |= dict.fromkeys(_integers(no_data, name), NO_DATA)
    return _split(f'{base.name}, changed' if 'base' in given else name, classes)


def _codes(given: Mapping, name: str) -> dict[int, str]:
    names = [_class_named(label, name) for label in given.values()]
    return dict(zip(_integers(given, name), names, strict=True))


def _integers(given: Iterable, name: str) -> list[int]:
    codes = []
    for code in given:
        if not re.fullmatch(r'-?\d+', str(code)):
            raise UserError(
                f"expected integers as codes in the legend '{name}', got {code!r}."
            )
        codes.append(int(code))
    return codes


def _class_named(label: Any, legend: str) -> str:
    if not isinstance(label, str | None):
        raise UserError(
            f"expected code: class in the legend '{legend}', e.g. 10: 'forest', got "
            f'{label!r} as a class.'
        )
    known = OFFICIAL_SPELLINGS.get(label or NO_DATA, label or NO_DATA)
    word = re.sub('[^a-z]', '', known.lower())
    for name in (*LAND_COVER_CLASSES, NO_DATA):
        own = re.sub('[^a-z]', '', name.lower())
        if word in (own, *WORDS[name].split()):
            return name
    raise UserError(
        f"expected a class of land cover in the legend '{legend}', got {label!r}; "
        f'known are {", ".join(LAND_COVER_CLASSES)}, their plain English names, and '
        f'{NO_DATA!r}.'
    )
