"""Find files of one band each that are one scene, by their names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rsp.geo.bands.names import WORDS, band_code, find_sensor
from rsp.geo.bands.products import metadata_files, mtl_file, safe_folder
from rsp.geo.bands.sensors import SENSORS

# Parts of names that are bands: numbers, colors and polarizations in words.
_NUMBERED = re.compile(r'(?:B|band)\d{1,2}A?', re.IGNORECASE)
_WORDS = {word for word in WORDS if len(word) > 1} - {'alpha', 'infrared'}
# Before a number: of surface reflectance and temperature.
_KINDS = {'SR', 'ST', 'TOA', 'BOA'}
# Between the parts of a name.
_BETWEEN = '_-.'
_RESOLUTION = re.compile(r'(\d{1,2})m', re.IGNORECASE)
# Files of a product that are no band: classes, flags, angles, previews.
_QUALITY = re.compile(
    r'(^|_|-|\.)(SCL|TCI|AOT|WVP|PVI|CLD|SNW|CLDPRB|SNWPRB|MSK_\w+|(SR_|ST_)?QA(_\w+)?'
    r'|BQA|\w*_QA|ST_(ATRAN|CDIST|DRAD|EMIS|EMSD|TRAD|URAD)|ATMOS_OPACITY|SAA|SZA|VAA|'
    r'VZA|Fmask|udm2?|visual|thumbnail|overview|preview|quicklook|browse)'
    r'(_\d{1,2}m)?$',
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Part:
    """Name a file of one band.

    Attributes:
        file: Where it is.
        band: The part of its name, such as ``'B02'``, ``'SR_B4'`` or ``'red'``.
    """

    file: Path
    band: str


@dataclass(frozen=True)
class Stack:
    """Store files that, by their names, are bands of one scene.

    Attributes:
        name: Of the scene, below the folder, with forward slashes.
        parts: One or more files per band, where these have several pixel sizes.
        others: Files of the same product that are no bands.
        folder: Of a Sentinel product; None of other files.
        prefix: What the names begin with, such as ``LC08_..._02_T1``.
        sensor: Key of `SENSORS`, or None.
    """

    name: str
    parts: tuple[Part, ...]
    others: tuple[Path, ...]
    folder: Path | None
    prefix: str
    sensor: str | None

    @property
    def files(self) -> list[Path]:
        """All that the pixels depend on, metadata included."""
        mtl = mtl_file(self.parts[0].file, self.prefix)
        told = [] if mtl is None else [mtl]
        return [p.file for p in self.parts] + metadata_files(self.folder) + told


def find_stacks(root: Path, files: Sequence[Path]) -> list[Stack]:
    """Group files whose names differ in their band alone; leave out single files.

    A product folder of Sentinel-2 (``.SAFE``) is one scene, whatever it holds of it.

    Args:
        root: Folder that the names are relative to.
        files: Below it.

    Returns:
        Sorted by name. Only the headers of the files tell whether a group is a scene.
    """
    groups: dict[tuple[Path, str], list[Part]] = {}
    others: dict[tuple[Path, str], list[Path]] = {}
    for file in files:
        product, place = _product(file)
        quality = _QUALITY.search(file.stem)
        found = None if quality or 'QI_DATA' in file.parts else split_name(file.stem)
        if found is not None:
            band, rest = found
            groups.setdefault((place, rest), []).append(Part(file, band))
        elif product is not None:
            others.setdefault((product, ''), []).append(file)
        elif quality:
            rest = file.stem[: quality.start()].strip(_BETWEEN)
            others.setdefault((place, rest), []).append(file)
    products = Counter(place for place, _ in groups if _is_safe(place))
    stacks = []
    for (place, rest), parts in groups.items():
        product = place if _is_safe(place) else None
        if product is None and len({_code(part.band) for part in parts}) < 2:
            continue
        sensor = find_sensor((place / parts[0].file.name).as_posix(), {})
        prefix = rest.strip(_BETWEEN)
        whole = products[place] == 1 or not prefix
        beside = others.get((place, '' if product else prefix), ())
        stacks.append(
            Stack(
                _relative(place if whole else place / prefix, root),
                tuple(sorted(parts, key=lambda p: (_rank(p.band, sensor), p.file))),
                tuple(beside),
                product,
                prefix,
                sensor,
            )
        )
    return sorted(stacks, key=lambda stack: stack.name)


def split_name(stem: str) -> tuple[str, str] | None:
    """Split a file's name into its band and the rest, which all bands share.

    Args:
        stem: Such as ``T33TWM_20210101T100000_B02_10m``.

    Returns:
        Such as ``'B02'`` and ``'T33TWM_20210101T100000'``; None if it names no band.
    """
    pieces = re.split(r'([_.-])', stem)
    for place in range(len(pieces) - 1, -1, -2):
        piece = pieces[place]
        if not _NUMBERED.fullmatch(piece) and piece.lower() not in _WORDS:
            continue
        first, last = place, place
        if place >= 2 and pieces[place - 2].upper() in _KINDS:
            first = place - 2
        after = pieces[place + 2 : place + 5 : 2]
        if [*map(str.upper, after[:1])] == ['VCID'] and len(after) == 2:
            last = place + 4
        elif after and _RESOLUTION.fullmatch(after[0]):
            last = place + 2
        band = ''.join(pieces[first : last + 1])
        if last == place + 2:
            band = ''.join(pieces[first : place + 1])
        before, behind = pieces[:first], pieces[last + 1 :]
        rest = ''.join(before) + ''.join(behind[1:] if before else behind)
        if re.match(r's1[a-d]-', stem, re.IGNORECASE):
            # The image's number differs between polarizations.
            rest = re.sub(r'-\d{3}$', '', rest)
        return band, rest
    return None


def _product(file: Path) -> tuple[Path | None, Path]:
    """Return the Sentinel-2 product of a file, or None, and the folder of its scene."""
    folder = safe_folder(file)
    if folder is not None and folder.name.upper().startswith('S2'):
        return folder, folder
    parent = file.parent
    return None, parent.parent if re.fullmatch(r'R\d\dm', parent.name) else parent


def _is_safe(folder: Path) -> bool:
    return folder.name.upper().endswith('.SAFE')


def _relative(path: Path, root: Path) -> str:
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else '.'
    return path.name if name == '.' else name


def _code(band: str) -> str:
    return band_code(band) or WORDS.get(band.lower(), band.lower())


def _rank(band: str, sensor: str | None) -> tuple:
    """Return where a band stands: as the sensor counts, else by number or color."""
    code = _code(band)
    if sensor is not None:
        for place, known in enumerate(SENSORS[sensor].bands.values()):
            if code in (band_code(known.name), known.color):
                return 0, place, band
    if code[0].isdigit():
        return 0, int(code.rstrip('A')) + 0.5 * code.endswith('A'), band
    colors = [*dict.fromkeys(WORDS.values())]
    return 1, colors.index(code) if code in colors else len(colors), band
