"""List the bands of satellite and aerial sensors, by official name.

Center wavelengths in nanometers, from ESA's table of nominal centers (Sentinel-2),
the band limits of USGS (Landsat) and CRESDA (Gaofen), and Planet's table of SuperDove
(eight bands). NAIP and four-band PlanetScope come from cameras that differ: none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Band:
    """Describe a band of a file or of a sensor.

    Attributes:
        number: As GDAL counts, alpha included, from 1; 0 for a band of a sensor.
        name: Official name, such as ``'B04'``; as the file tells it where no sensor is
            known; None where nothing is told.
        color: What it shows in the words of STAC, such as ``'red'``, ``'nir'``,
            ``'swir1'``; None where unknown.
        wavelength: Its center, nm; None where unknown.
        scale, offset: A stored value v means ``v * scale + offset``.
    """

    number: int
    name: str | None
    color: str | None = None
    wavelength: float | None = None
    scale: float = 1.0
    offset: float = 0.0

    @property
    def label(self) -> str | None:
        """Return its color, else its name; None where unknown."""
        return self.color or self.name


@dataclass(frozen=True)
class Sensor:
    """Describe a sensor.

    Attributes:
        name: As in the option ``sensor``.
        bands: By official name.
        orders: Names of all bands of its official products, in the order of these, by
            the number of bands.
        numbered: Whether ``B<n>`` names a band of it.
    """

    name: str
    bands: dict[str, Band]
    orders: dict[int, tuple[str, ...]] = field(default_factory=dict)


def _table(text: str) -> dict[str, Band]:
    bands = {}
    for entry in text.split(','):
        name, color, *wavelength = entry.split()
        center = float(wavelength[0]) if wavelength else None
        bands[name] = Band(0, name, color, center)
    return bands


def _gaofen(text: str) -> Sequence[dict]:
    bands = _table(text)
    return bands, {len(bands): tuple(bands)}


_MSI = _table(
    'B01 coastal 443, B02 blue 490, B03 green 560, B04 red 665, B05 rededge1 705, '
    'B06 rededge2 740, B07 rededge3 783, B08 nir 842, B8A nir08 865, B09 nir09 945, '
    'B10 cirrus 1375, B11 swir1 1610, B12 swir2 2190'
)
_TM = _table(
    'B1 blue 485, B2 green 560, B3 red 660, B4 nir 830, B5 swir1 1650, '
    'B6 lwir 11450, B7 swir2 2215'
)
_ETM = _table(
    'B1 blue 485, B2 green 560, B3 red 660, B4 nir 835, B5 swir1 1650, '
    'B6 lwir 11450, B7 swir2 2220, B8 pan 710'
)
_OLI = _table(
    'B1 coastal 443, B2 blue 482, B3 green 561, B4 red 655, B5 nir 865, B6 swir1 1609, '
    'B7 swir2 2201, B8 pan 590, B9 cirrus 1373, B10 lwir11 10895, B11 lwir12 12005'
)
_NAIP = _table('R red, G green, B blue, N nir')
_PLANET = _table('blue blue, green green, red red, nir nir')
_DOVE8 = _table(
    'coastal_blue coastal 443, blue blue 490, green_i green1 531, green green 565, '
    'yellow yellow 610, red red 665, rededge rededge1 705, nir nir 865'
)
_GF = 'B1 blue 485, B2 green 555, B3 red 660, B4 nir 830'
_GF6 = 'B1 blue 485, B2 green 560, B3 red 660, B4 nir 830'
# C band, 5.405 GHz.
_SAR = _table('VV vv 55465760, VH vh 55465760, HH hh 55465760, HV hv 55465760')

SENSORS = {
    sensor.name: sensor
    for sensor in (
        Sensor('sentinel-1', _SAR),
        Sensor('sentinel-2', _MSI),
        Sensor('landsat-tm', _TM),
        Sensor('landsat-etm', _ETM),
        Sensor('landsat-oli', _OLI),
        Sensor('naip', _NAIP, {4: tuple('RGBN'), 3: tuple('RGB')}),
        Sensor('planetscope', _PLANET, {4: tuple(_PLANET)}),
        Sensor('planetscope-8', _DOVE8, {8: tuple(_DOVE8)}),
        Sensor('gaofen-1', *_gaofen(_GF)),
        Sensor('gaofen-2', *_gaofen(_GF)),
        Sensor('gaofen-6', *_gaofen(_GF6)),
        Sensor(
            'gaofen-6-wfv',
            *_gaofen(
                'B1 blue 485, B2 green 555, B3 red 660, B4 nir 830, B5 rededge1 710, '
                'B6 rededge2 750, B7 coastal 425, B8 yellow 610'
            ),
        ),
    )
}
# What USGS rescales surface reflectance and temperature of Collection 2 by.
LANDSAT_REFLECTANCE = (2.75e-5, -0.2)
LANDSAT_TEMPERATURE = (0.00341802, 149.0)
# What ESA divides reflectance by; the offset since baseline 04.00, in stored units.
SENTINEL2_SCALE, SENTINEL2_OFFSET = 1e-4, -1000
