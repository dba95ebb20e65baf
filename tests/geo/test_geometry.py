"""Rings and ground between reference systems."""

import numpy as np
import pytest
import shapely
from affine import Affine
from pyproj import Transformer
from rasterio.crs import CRS

from rsp.geo.geometry import (
    polygonize,
    repeat_longitude,
    reproject,
    rings_of,
    unwrap_longitude,
)

DEGREES, UTM33 = CRS.from_epsg(4326), CRS.from_epsg(32633)


def area(ring):
    x, y = ring.T
    return np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) / 2


def test_rings_turn_by_what_they_are_whatever_way_they_came():
    hole = shapely.box(1, 1, 2, 3).exterior.coords
    for shell in (shapely.box(0, 0, 9, 9), shapely.box(0, 0, 9, 9).reverse()):
        polygon = shapely.Polygon(shell.exterior, [hole])
        many = shapely.GeometryCollection(
            [shapely.MultiPolygon([polygon]), shapely.LineString([(0, 0), (1, 1)])]
        )
        for geometry in (polygon, many):
            assert [area(ring) for ring in rings_of(geometry)] == [81, -2]


def test_a_spike_at_the_highest_corner_does_not_turn_a_ring_round():
    spiked = [(0, 0), (4, 0), (4, 4), (4 - 1e-12, 9), (4 + 1e-12, 4), (0, 4), (0, 0)]
    for points in (spiked, spiked[::-1]):
        (ring,) = rings_of(shapely.Polygon(points))
        assert area(ring) == pytest.approx(16)


def test_cells_become_the_ground_they_cover():
    mask = np.zeros((5, 6), bool)
    mask[1:3, 2] = mask[4, 5] = True
    ground = polygonize(mask, Affine.translation(10, 100))
    assert ground.area == 3
    assert ground.bounds == (12, 101, 16, 105)


def test_ground_that_is_reprojected_keeps_its_place_and_two_turns():
    box = shapely.box(480_000, 5_000_000, 490_000, 5_010_000)
    moved = reproject(box, UTM33, DEGREES)
    x, y = Transformer.from_crs(32633, 4326, always_xy=True).transform(
        485_000, 5_005_000
    )
    for turn in (-360, 0, 360):
        assert moved.contains(shapely.Point(x + turn, y))
    assert reproject(box, UTM33, UTM33) is box
    assert repeat_longitude(shapely.box(0, 0, 1, 1)).area == pytest.approx(3)


def test_ground_across_the_date_line_stays_in_one_piece():
    zone = CRS.from_epsg(32660)
    box = shapely.box(820_000, 1_000_000, 840_000, 1_010_000)
    west, south, east, north = reproject(box, zone, DEGREES).bounds
    assert (east - west) == pytest.approx(720.18, abs=0.02)
    assert (south, north) == pytest.approx((9.03, 9.13), abs=0.02)


def test_ground_is_put_together_where_it_was_torn_apart_at_longitude_180():
    torn = shapely.box(179, 0, 180, 1) | shapely.box(-180, 0, -179, 1)
    east = shapely.box(-178, 0, -177, 1)
    whole, moved = unwrap_longitude([torn, east])
    assert whole.equals(shapely.box(179, 0, 181, 1))
    assert moved.bounds == (182, 0, 183, 1)
    for elsewhere in (
        [east],
        [shapely.box(-1, 0, 1, 1)],
        [east, shapely.box(1, 0, 2, 1)],
    ):
        assert unwrap_longitude(elsewhere) == elsewhere
