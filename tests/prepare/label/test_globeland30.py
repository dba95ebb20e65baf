"""Zones and names of GlobeLand30's tiles; examples by hand."""

import pytest

from rsp.prepare.label.globeland30 import tile_name, utm_zone


@pytest.mark.parametrize(
    ('lon', 'lat', 'zone'),
    [
        (-180, 0, 1), (-0.001, 0, 30), (0, 0, 31), (5.999, 0, 31), (6, 0, 32),
        (116.4, 39.9, 50), (179.999, 0, 60), (6, 61, 31), (12, 61, 33), (10, 60, 32),
        (10, 86, 0), (-170, -85, 0),
    ],
)  # fmt: skip
def test_zones(lon, lat, zone):
    assert utm_zone(lon, lat) == zone


def test_longitude_180_is_the_same_meridian_as_minus_180():
    assert utm_zone(180, 10) == utm_zone(-180, 10) == 1


@pytest.mark.parametrize(
    ('lon', 'lat', 'name'),
    [
        (116.4, 39.9, 'n50_35'),
        (-0.5, 51.5, 'n30_50'),
        (10, 66, 'n31_65'),
        (-70.7, -33.4, 's19_30'),  # The southern hemisphere.
        (3, 0.5, 'n31_00'),
        (0, -89, 's00_85'),
    ],
)
def test_names_of_tiles(lon, lat, name):
    assert tile_name(lon, lat) == name


@pytest.mark.parametrize(
    ('lon', 'lat', 'words'),
    [
        (181, 0, 'longitude between -180 and 180, got 181'),
        (0, -91, 'latitude between -90 and 90, got -91'),
    ],
)
def test_a_place_that_does_not_exist_is_refused(lon, lat, words):
    with pytest.raises(ValueError, match=words):
        tile_name(lon, lat)
