"""Names of bands: per sensor, and never guessed across sensors."""

import pytest

from rsp.geo.bands.names import band_code, find_sensor, name_bands, word_of
from rsp.geo.bands.sensors import SENSORS


def colors(descriptions, meanings=None, sensor=None):
    meanings = meanings or ['gray', *['undefined'] * (len(descriptions) - 1)]
    return [band.color for band in name_bands(descriptions, meanings, sensor)]


def test_four_is_another_color_on_every_sensor():
    said = {sensor: colors(['SR_B4', 'SR_B5'], sensor=sensor) for sensor in SENSORS}
    assert said['landsat-tm'] == ['nir', 'swir1']
    assert said['landsat-etm'] == ['nir', 'swir1']
    assert said['landsat-oli'] == ['red', 'nir']
    assert said['sentinel-2'] == ['red', 'rededge1']
    assert said['gaofen-1'] == ['nir', None]
    # Nobody says whose B4 it is.
    assert colors(['B4', 'B3']) == [None, None]


@pytest.mark.parametrize(
    ('descriptions', 'meanings', 'sensor', 'expected'),
    [
        (['blue', 'green', 'red', 'nir'], None, None, ['blue', 'green', 'red', 'nir']),
        (['B02', 'B8A'], None, None, ['blue', 'nir08']),
        (['Band 3 - Green_I', 'NIR (reflectance)'], None, None, ['green1', 'nir']),
        (['B4, central wavelength 665 nm'], None, 'sentinel-2', ['red']),
        # GDAL takes three bands of four of 8 bits for RGB, and the fourth for alpha.
        (
            ['blue', 'green', 'red', 'nir'],
            ['red', 'green', 'blue', 'alpha'],
            None,
            ['blue', 'green', 'red', 'nir'],
        ),
        ([None] * 4, ['red', 'green', 'blue', 'alpha'], None,
         ['red', 'green', 'blue', 'alpha']),
        ([None] * 4, None, 'naip', ['red', 'green', 'blue', 'nir']),
        ([None] * 4, None, 'planetscope', ['blue', 'green', 'red', 'nir']),
        ([None] * 5, None, 'naip', [None] * 5),
        # What programs write that know no names tells nothing.
        (['Band 1', 'Band 2', 'Band 3', 'Band 4'], None, 'sentinel-2', [None] * 4),
        (['Layer_1'], None, None, [None]),
        (['VV', 'VH'], None, None, ['vv', 'vh']),
        # Words count more than numbers.
        (['B4 (red)', 'B3 (green)'], None, 'landsat-tm', ['red', 'green']),
        (['B8A (nir)'], None, 'sentinel-2', ['nir08']),
    ],
)  # fmt: skip
def test_what_a_file_says_of_its_bands(descriptions, meanings, sensor, expected):
    assert colors(descriptions, meanings, sensor) == expected


@pytest.mark.parametrize(
    ('path', 'sensor'),
    [
        ('S2A_MSIL2A_20210101T100000_N0209_R022_T33TWM.SAFE/a.tif', 'sentinel-2'),
        ('T33TWM_20210101T100000_B02_10m.jp2', 'sentinel-2'),
        ('LC08_L2SP_195028_20200507_20200820_02_T1_SR_B4.TIF', 'landsat-oli'),
        ('LC81950282020128LGN00_B4.TIF', 'landsat-oli'),
        ('LC09_L1TP_195028_20220507_20220507_02_T1_B4.TIF', 'landsat-oli'),
        ('LE07_L2SP_1_SR_B4.TIF', 'landsat-etm'),
        ('LT05_L2SP_1_SR_B4.TIF', 'landsat-tm'),
        ('LT04_L2SP_1_SR_B4.TIF', 'landsat-tm'),
        ('LM05_L1TP_1_B4.TIF', None),
        ('HLS.L30.T11SPC.2021001T1.v2.0.B05.tif', 'landsat-oli'),
        ('HLS.S30.T11SPC.2021001T1.v2.0.B05.tif', 'sentinel-2'),
        ('m_4709963_se_14_1_20140720.tif', 'naip'),
        ('20230101_100000_12_24_3B_AnalyticMS_SR.tif', 'planetscope'),
        ('20230101_100000_12_24_3B_AnalyticMS_SR_8b_clip.tif', 'planetscope-8'),
        ('GF1_PMS1_E1_N1_20200101_L1A.tiff', 'gaofen-1'),
        ('GF2_PMS2_E1_N1_20200101_L1A.tiff', 'gaofen-2'),
        ('GF6_WFV_E1_N1_20200101_L1A.tiff', 'gaofen-6-wfv'),
        ('S1A_IW_GRDH_1SDV_20200101.tif', 'sentinel-1'),
        ('landsat_peru_1985.tif', None),
        ('L7_ETMs.tif', 'landsat-etm'),
        ('L1_4_tile.tif', None),
        # The innermost name counts.
        ('sentinel/S2A_MSIL2A_X/LC08_L1TP_1_B4.tif', 'landsat-oli'),
    ],
)
def test_sensors_by_the_names_of_their_products(path, sensor):
    assert find_sensor(path, {}) == sensor


def test_tags_come_before_names():
    assert find_sensor('S2A_X.tif', dict(SPACECRAFT_ID='LANDSAT_5')) == 'landsat-tm'


def test_codes_and_words():
    texts = ('B04', 'SR_B4', 'Band 4', 'b8a', 'B12', 'blue', None)
    assert [*map(band_code, texts)] == ['4', '4', '4', '8A', '12', None, None]
    texts = ('r', 'Near-Infrared', 'SWIR 1', 'swir22', 'far', '3: b')
    assert [*map(word_of, texts)] == ['red', 'nir', 'swir1', 'swir2', None, None]


def test_wavelengths_rise_with_the_number_of_sentinel_2():
    nm = [band.wavelength for band in SENSORS['sentinel-2'].bands.values()]
    assert nm == sorted(nm)
    for sensor in SENSORS.values():
        told = [band.wavelength for band in sensor.bands.values()]
        assert all(told) or not any(told)
