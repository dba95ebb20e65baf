import numpy as np
import pytest
from affine import Affine
from hypothesis import example, given
from hypothesis import strategies as st
from pyproj import Geod
from rasterio.crs import CRS
from rasterio.warp import transform_bounds
from shapely.geometry import box

from rsp.geo.footprint import Footprint
from rsp.geo.windows.window import Window

DEGREES = CRS.from_epsg(4326)
UTM33 = CRS.from_epsg(32633)
NORTH_UP = Affine(10, 0, 500_000, 0, -10, 5_000_000)


def test_a_window_of_a_north_up_raster_is_its_box():
    footprint = Footprint.from_window(NORTH_UP, UTM33, Window(3, 2, 5, 4))
    assert footprint.polygon.equals(box(500_020, 4_999_920, 500_060, 4_999_970))
    assert footprint.to_crs(UTM33) is footprint.polygon


def test_a_rotated_window_keeps_its_true_corners():
    turned = NORTH_UP @ Affine.rotation(30)
    footprint = Footprint.from_window(turned, UTM33, Window(0, 0, 50, 100))
    assert footprint.polygon.area == pytest.approx(1000 * 500)
    corners = set(footprint.polygon.exterior.coords)
    assert turned @ (100, 50) in corners
    # Its bounds are far larger, which is what looking at two corners would give.
    assert box(*footprint.polygon.bounds).area > 1.9 * footprint.polygon.area


@pytest.mark.parametrize('window', [Window(0, 0, 5, 0), Window(0, 0, -1, 5)])
def test_an_empty_window_is_refused(window):
    with pytest.raises(ValueError, match='at least one pixel'):
        Footprint.from_window(NORTH_UP, UTM33, window)


def test_an_old_order_of_coordinates_is_refused():
    with pytest.raises(AttributeError):
        Footprint.from_window(NORTH_UP, UTM33, (2, 3, 4, 5))


def test_degrees_hold_the_same_ground():
    footprint = Footprint.from_window(NORTH_UP, UTM33, Window(0, 0, 1000, 1000))
    degrees = footprint.to_crs(DEGREES)
    assert degrees.bounds == pytest.approx(
        transform_bounds(UTM33, DEGREES, *footprint.polygon.bounds), abs=1e-9
    )
    area, _ = Geod(ellps='WGS84').geometry_area_perimeter(degrees)
    # UTM's scale is 0.9996 at the central meridian.
    assert abs(area) * 0.9996**2 == pytest.approx(footprint.polygon.area, rel=2e-5)


@given(
    lon=st.floats(-180, 180),
    lat=st.floats(-78, 78),
    size=st.integers(1, 2000),
    pixel=st.floats(0.3, 30),
    angle=st.floats(0, 360),
)
@example(lon=180.0, lat=0.0, size=1, pixel=1.0, angle=130.0)  # A corner on the line.
@example(lon=180.0, lat=0.0, size=494, pixel=1.5, angle=0.0)  # A side on the line.
def test_every_corner_arrives_where_pyproj_puts_it(lon, lat, size, pixel, angle):
    # A projection around the point, wherever it is: also over longitude 180.
    local = CRS.from_proj4(f'+proj=laea +lat_0={lat} +lon_0={lon} +datum=WGS84')
    transform = Affine.rotation(angle) @ Affine.scale(pixel, -pixel)
    footprint = Footprint.from_window(transform, local, Window(0, 0, size, size))
    degrees = footprint.to_crs(DEGREES)
    west, south, east, north = degrees.bounds
    assert west >= -180
    assert east <= 180
    assert south >= -90
    assert north <= 90
    area, _ = Geod(ellps='WGS84').geometry_area_perimeter(
        degrees if degrees.geom_type == 'Polygon' else degrees.geoms[0]
    )
    if degrees.geom_type == 'MultiPolygon':
        area += Geod(ellps='WGS84').geometry_area_perimeter(degrees.geoms[1])[0]
    assert abs(area) == pytest.approx(footprint.polygon.area, rel=1e-3, abs=0.05)


def test_across_longitude_180_there_are_two_parts():
    transform = Affine(0.01, 0, 179.9, 0, -0.01, 10)
    for to_the_west in (0, -360, 360):
        moved = Affine.translation(to_the_west, 0) @ transform
        parts = Footprint.from_window(moved, DEGREES, Window(0, 0, 20, 20)).to_crs(
            DEGREES
        )
        assert len(parts.geoms) == 2
        assert parts.area == pytest.approx(0.2 * 0.2)
        assert parts.bounds[::2] == pytest.approx((-180, 180))
        # Not the way around the world.
        assert max(part.area for part in parts.geoms) == pytest.approx(0.02)


def test_touching_longitude_180_leaves_one_part():
    for west in (179.8, 180.0, -180.0):
        transform = Affine(0.01, 0, west, 0, -0.01, 10)
        whole = Footprint.from_window(transform, DEGREES, Window(0, 0, 20, 20)).to_crs(
            DEGREES
        )
        assert whole.geom_type == 'Polygon'
        assert whole.area == pytest.approx(0.04)


@pytest.mark.parametrize('epsg', [3031, 3413])
def test_a_pole_inside_is_refused_in_degrees_alone(epsg):
    polar = CRS.from_epsg(epsg)
    around = Affine(1000, 0, -50_000, 0, -1000, 50_000)
    footprint = Footprint.from_window(around, polar, Window(0, 0, 100, 100))
    with pytest.raises(ValueError, match='around a pole'):
        footprint.to_crs(DEGREES)
    assert footprint.to_crs(polar).area == 1e10
    beside = Affine.translation(200_000, 0) @ around
    assert (
        Footprint.from_window(beside, polar, Window(0, 0, 100, 100))
        .to_crs(DEGREES)
        .area
        > 0
    )


def test_out_of_reach_is_refused():
    # Web Mercator ends before the pole.
    footprint = Footprint.from_window(
        Affine(1, 0, 0, 0, -1, 91), DEGREES, Window(0, 0, 1, 1)
    )
    with pytest.raises(ValueError, match='within reach of EPSG:3857'):
        footprint.to_crs(CRS.from_epsg(3857))


def test_a_side_follows_its_curve():
    """A parallel is curved in UTM: the polygon has to bulge as it does."""
    transform = Affine(0.01, 0, 12, 0, -0.01, 60)
    polygon = Footprint.from_window(transform, DEGREES, Window(0, 0, 100, 600)).to_crs(
        UTM33
    )
    corners_only = polygon.convex_hull.simplify(1e9)
    assert polygon.area != pytest.approx(corners_only.area, rel=1e-3)
    area, _ = Geod(ellps='WGS84').geometry_area_perimeter(
        box(12, 59, 18, 60).segmentize(0.01)
    )
    assert polygon.area == pytest.approx(abs(area), rel=1e-3)
    assert np.isfinite(polygon.area)


def test_a_local_system_leads_nowhere():
    local = CRS.from_wkt('LOCAL_CS["site grid",UNIT["metre",1]]')
    footprint = Footprint.from_window(NORTH_UP, local, Window(0, 0, 10, 10))
    with pytest.raises(ValueError, match=r'leads to EPSG:4326, got .*site grid.*a_srs'):
        footprint.to_crs(DEGREES)
