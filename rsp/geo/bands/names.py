"""Read what the bands of a file are called; never guess it across sensors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from rsp.geo.bands.sensors import SENSORS, Band, Sensor

# Words for a color or a polarization -> the one used here.
WORDS = {
    word: color
    for color, words in {
        'coastal': 'coastal coastalaerosol coastalblue ultrablue aerosol aerosols',
        'blue': 'blue b',
        'green': 'green g',
        'green1': 'green1 greeni',
        'yellow': 'yellow',
        'red': 'red r',
        'rededge1': 'rededge rededge1 rededge071 re1',
        'rededge2': 'rededge2 rededge075 re2',
        'rededge3': 'rededge3 rededge078 re3',
        'nir': 'nir nearinfrared nir1 infrared n',
        'nir08': 'nir08 nirnarrow narrownir nir8a',
        'nir09': 'nir09 watervapor watervapour',
        'cirrus': 'cirrus',
        'swir1': 'swir1 swir16 shortwaveinfrared1',
        'swir2': 'swir2 swir22 shortwaveinfrared2',
        'pan': 'pan panchromatic',
        'lwir': 'lwir thermal tir',
        'lwir11': 'lwir11 tirs1 thermalinfrared1',
        'lwir12': 'lwir12 tirs2 thermalinfrared2',
        'vv': 'vv',
        'vh': 'vh',
        'hh': 'hh',
        'hv': 'hv',
        'alpha': 'alpha',
    }.items()
    for word in words.split()
}
# Of GDAL's color interpretations, those that name one band and no other. "Gray" and
# "undefined" are what every band has that nobody described.
INTERPRETATIONS = {'red', 'green', 'blue', 'alpha', 'nir', 'coastal', 'pan', 'yellow'}
_CODE = re.compile(r'(?:SR|ST|TOA|BOA)?_?(?:BAND|B)[ _]?(\d{1,2})(A?)(?![A-Z0-9])')
# Product names, which the owner of each sensor prescribes.
_PRODUCTS = [
    (re.compile(pattern, re.IGNORECASE), sensor)
    for pattern, sensor in (
        (r'^HLS\.S30\.', 'sentinel-2'),
        (r'^HLS\.L30\.', 'landsat-oli'),
        (r'^S2[A-D]?[_-]', 'sentinel-2'),
        (r'^T\d\d[A-Z]{3}_\d{8}T\d{6}', 'sentinel-2'),
        (r'^S1[A-D]?[_-]', 'sentinel-1'),
        (r'^L[OCT]0?[89][_-]?(?:L|\d)', 'landsat-oli'),
        (r'^L[E]0?7[_-]?(?:L|\d)', 'landsat-etm'),
        (r'^L[T]0?[45][_-]?(?:L|\d)', 'landsat-tm'),
        (r'^L(?:ANDSAT)?[_-]?[89][_-]', 'landsat-oli'),
        (r'^L(?:ANDSAT)?[_-]?7[_-]', 'landsat-etm'),
        (r'^L(?:ANDSAT)?[_-]?[45][_-]', 'landsat-tm'),
        (r'^m_\d{7}_[ns][ew]_\d\d_', 'naip'),
        (r'(?:^|[_-])naip(?:[_-]|$|\d)', 'naip'),
        (r'_3B_(?:Ortho_)?AnalyticMS.*_8b', 'planetscope-8'),
        (r'_3B_(?:Ortho_)?AnalyticMS', 'planetscope'),
        (r'^GF1[B-D]?_(?:PMS|WFV)\d?', 'gaofen-1'),
        (r'^GF2_PMS\d?', 'gaofen-2'),
        (r'^GF6_WFV', 'gaofen-6-wfv'),
        (r'^GF6_PMS', 'gaofen-6'),
    )
]
# Of the tag SPACECRAFT_ID, which USGS and our stacks write.
_CRAFT = {
    'LANDSAT_4': 'landsat-tm',
    'LANDSAT_5': 'landsat-tm',
    'LANDSAT_7': 'landsat-etm',
    'LANDSAT_8': 'landsat-oli',
    'LANDSAT_9': 'landsat-oli',
}


def name_bands(
    descriptions: Sequence[str | None],
    colors: Sequence[str],
    sensor: str | None = None,
    scales: Sequence[float] = (),
    offsets: Sequence[float] = (),
) -> tuple[Band, ...]:
    """Name the bands of a file.

    By their descriptions; else by the color interpretation, where that is more than
    what GDAL writes into every file; else by the order that the sensor's official
    products have. A number such as B4 has a color only where the sensor is known.

    Args:
        descriptions: Per band, None where it has none.
        colors: Color interpretation per band, as GDAL names it, in lower case.
        sensor: Key of `SENSORS`, see `find_sensor`; None where nothing tells it.
        scales: Per band, as declared; none are 1.
        offsets: Likewise; none are 0.
    """
    return _name_bands(
        *map(tuple, (descriptions, colors)), sensor, *map(tuple, (scales, offsets))
    )


@lru_cache(maxsize=1024)
def _name_bands(
    descriptions: tuple[str | None, ...],
    colors: tuple[str, ...],
    sensor: str | None,
    scales: tuple[float, ...],
    offsets: tuple[float, ...],
) -> tuple[Band, ...]:
    codes = _codes(descriptions)
    known = SENSORS.get(sensor or _by_spelling(descriptions) or '')
    words = [word_of(text) for text in descriptions]
    order: Sequence[str | None] = [None] * len(descriptions)
    if any(codes) or any(words):
        # A band that is described as infrared is none, whatever GDAL takes it for.
        said = [
            'alpha' if color == 'alpha' and not (word or code) else word
            for word, code, color in zip(words, codes, colors, strict=True)
        ]
    else:
        said = [color if color in INTERPRETATIONS else None for color in colors]
        if not {'red', 'green', 'blue'} <= set(said):
            said = [color if color == 'alpha' else None for color in said]
        if known is not None:
            order = _order(known, said) or order
    bands = []
    for place, text in enumerate(descriptions):
        band = _look_up(known, order[place], codes[place], said[place])
        bands.append(
            replace(
                band,
                number=place + 1,
                name=band.name or ((text or '').strip() or None),
                scale=scales[place] if scales else 1.0,
                offset=offsets[place] if offsets else 0.0,
            )
        )
    return tuple(bands)


def _order(sensor: Sensor, colors: Sequence[str | None]) -> Sequence[str] | None:
    """Return the order of a sensor's bands if it agrees with the colors that are told.

    Infrared beside colors is told by none.
    """
    order = sensor.orders.get(len(colors))
    if order is None:
        return None
    own = [sensor.bands[name].color for name in order]
    same = all(there in (None, here) for here, there in zip(own, colors, strict=True))
    return order if same else None


def _look_up(
    sensor: Sensor | None, name: str | None, code: str | None, color: str | None
) -> Band:
    bands = () if sensor is None else sensor.bands.values()
    for band in bands:
        same = band.name == name or (code and band_code(band.name) == code)
        # Words count more than numbers: 'B4 (red)' is red in every file.
        if same and (color is None or _agree(band.color or '', color)):
            return band
    for band in bands:
        if color is not None and band.color == color:
            return band
    return Band(0, None, color)


def _agree(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _codes(descriptions: Sequence[str | None]) -> list[str | None]:
    codes = [band_code(text) for text in descriptions]
    counted = [f'band{number}' for number in range(1, len(codes) + 1)]
    plain = [re.sub('[ _]', '', (text or '').lower()) for text in descriptions]
    # 'Band 1', 'Band 2', ... is what programs write that know no names.
    return [None] * len(codes) if plain == counted else codes


def find_sensor(path: str, tags: Mapping[str, str]) -> str | None:
    """Return which sensor a file is of, by its tags, name or folders, or None.

    The innermost name that tells one counts.
    """
    craft = tags.get('SPACECRAFT_ID', '').upper().replace('-', '_')
    if craft in _CRAFT:
        return _CRAFT[craft]
    if craft.lower().replace('_', '-') in SENSORS:
        return craft.lower().replace('_', '-')
    for part in reversed(path.replace('\\', '/').split('/')):
        for pattern, sensor in _PRODUCTS:
            if pattern.search(part):
                return sensor
    return None


def _by_spelling(descriptions: Sequence[str | None]) -> str | None:
    """Return the sensor that its own spelling gives away: B8A, or B02 with a zero."""
    for text in descriptions:
        if text and re.match(r'B(?:0\d|8A)(?![A-Z0-9])', text.strip(), re.IGNORECASE):
            return 'sentinel-2'
    return None


def band_code(text: str | None) -> str | None:
    """Return a band's number from its name, without zeros: 4 of 'SR_B4' or 'Band 04'.

    8A is Sentinel-2's.
    """
    found = _CODE.match((text or '').strip().upper())
    return f'{int(found[1])}{found[2]}' if found else None


def word_of(text: str | None) -> str | None:
    """Return the color or polarization that a description is a word for, or None.

    Also of 'Band 3 - Red', '3: near infrared' and 'SR_B4 (red)'.
    """
    plain = (text or '').lower().replace('_', ' ').strip()
    for part in (plain, *re.split(r'\s*[-:(),]\s*', plain)):
        word = re.sub(r'[^a-z0-9]', '', part)
        word = re.sub(r'(band|reflectance|channel)$', '', word) or word
        # A letter, or 'infrared', is a color only where it is all that is said.
        if word in WORDS and (part == plain or (len(word) > 1 and word != 'infrared')):
            return WORDS[word]
    return None
