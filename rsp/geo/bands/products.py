"""Read what Sentinel-2 and Landsat products say about their stored values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

from rsp.errors import UserError
from rsp.geo.bands.names import band_code
from rsp.geo.bands.sensors import (
    LANDSAT_REFLECTANCE,
    LANDSAT_TEMPERATURE,
    SENTINEL2_OFFSET,
)

# In the order of ``band_id`` in a product's metadata.
_BAND_IDS = '1 2 3 4 5 6 7 8 8A 9 10 11 12'.split()
_BASELINE = re.compile(r'_N(\d{4})(?:_|$)')
FIRST_WITH_OFFSET = '0400'
UNKNOWN = 'unknown'


def safe_folder(file: Path) -> Path | None:
    """Return the folder of the Sentinel product that a file lies in, or None."""
    for parent in file.parents:
        if re.match(r'S[12].*\.SAFE$', parent.name, re.IGNORECASE):
            return parent
    return None


def baseline_of(path: str) -> str | None:
    """Return the processing baseline in a Sentinel-2 name, such as ``'0400'``."""
    found = _BASELINE.findall(path)
    return found[-1] if found else None


def has_offset(baseline: str | None) -> bool:
    """Return whether values of a baseline, such as ``'0400'``, are 1000 higher."""
    digits = (baseline or '').replace('.', '')
    return digits.isdigit() and digits >= FIRST_WITH_OFFSET


def offsets_of_baseline(baseline: str) -> dict[str, float]:
    """Return what a baseline added to the stored values, by band code."""
    added = SENTINEL2_OFFSET if baseline >= FIRST_WITH_OFFSET else 0
    return dict.fromkeys(_BAND_IDS, float(added))


def sentinel2_offsets(
    folder: Path | None, path: str
) -> tuple[str | None, dict[str, float] | None]:
    """Return baseline and offsets of a Sentinel-2 product.

    Args:
        folder: Of the product, with ``MTD_MSIL1C.xml`` or ``MTD_MSIL2A.xml``.
        path: Of a file of it, whose names may tell the baseline.

    Returns:
        The baseline, such as ``'0400'``; and by band code what is to be added to the
        stored values. None where it is not told.

    Raises:
        UserError: If the metadata cannot be read.
    """
    for file in metadata_files(folder):
        try:
            root = ElementTree.parse(file).getroot()
        except (ElementTree.ParseError, OSError) as error:
            raise UserError(
                f"expected the metadata of a Sentinel-2 product in '{file}', got: "
                f'{error}; copy it anew.'
            ) from None
        offsets, baseline = {}, baseline_of(path)
        for element in root.iter():
            tag = element.tag.rsplit('}', 1)[-1]
            if tag in ('BOA_ADD_OFFSET', 'RADIO_ADD_OFFSET'):
                code = _BAND_IDS[int(element.get('band_id', -1))]
                offsets[code] = float(element.text or 0)
            elif tag == 'PROCESSING_BASELINE' and element.text:
                baseline = element.text.strip().replace('.', '')
        return baseline, dict.fromkeys(_BAND_IDS, 0.0) | offsets
    baseline = baseline_of(path)
    return baseline, None if baseline is None else offsets_of_baseline(baseline)


def metadata_files(folder: Path | None) -> list[Path]:
    """Return the metadata file of a Sentinel-2 product, if it is there."""
    if folder is None:
        return []
    return sorted(folder.glob('MTD_MSIL*.xml'))[:1]


def mtl_file(file: Path, prefix: str) -> Path | None:
    """Return the metadata file (MTL) beside a file of a Landsat product, or None."""
    found = file.with_name(f'{prefix}_MTL.txt')
    return found if found.is_file() else None


def landsat_scaling(
    file: Path | None, prefix: str, bands: Iterable[str]
) -> dict[str, tuple[float, float]]:
    """Return scale and offset of Landsat bands, by name such as ``'SR_B4'``.

    From the product's metadata; without these, surface reflectance and temperature of
    Collection 2 have constants that USGS published.

    Args:
        file: ``..._MTL.txt``, or None.
        prefix: Of the product's names, ``LC08_L2SP_..._02_T1``.
        bands: Names of its files' bands.
    """
    told = {} if file is None else _mtl_values(file)
    second = '_02_' in f'{prefix}_'
    found = {}
    for name in bands:
        code = band_code(name)
        is_temperature = name.upper().startswith('ST')
        if is_temperature or name.upper().startswith('SR'):
            group = 'LEVEL2_SURFACE_'
            keys = f'TEMPERATURE_%s_BAND_ST_B{code}', f'REFLECTANCE_%s_BAND_{code}'
            key = keys[0 if is_temperature else 1]
            constants = LANDSAT_TEMPERATURE if is_temperature else LANDSAT_REFLECTANCE
        else:
            group, key = 'LEVEL1_RADIOMETRIC', f'REFLECTANCE_%s_BAND_{code}'
            constants = None
        values = next(
            (
                v
                for g, v in told.items()
                if g.startswith(group) and key % 'MULT' in v and key % 'ADD' in v
            ),
            None,
        )
        if values is not None:
            found[name] = values[key % 'MULT'], values[key % 'ADD']
        elif constants is not None and second:
            found[name] = constants
    return found


def _mtl_values(file: Path) -> dict[str, dict[str, float]]:
    """Return the numbers of an MTL file by group."""
    groups: dict[str, dict[str, float]] = {}
    group = ''
    for line in file.read_text(encoding='utf-8', errors='replace').splitlines():
        key, _, value = (part.strip() for part in line.partition('='))
        if key == 'GROUP':
            group = value
        elif re.match(r'(REFLECTANCE|TEMPERATURE)_(MULT|ADD)_BAND', key):
            groups.setdefault(group, {})[key] = float(value)
    return groups
