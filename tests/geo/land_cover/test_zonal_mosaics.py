"""Counting land cover of several rasters, also where coordinates end."""

import numpy as np
import pytest
from affine import Affine
from cover_rasters import (
    CELL,
    CRS33,
    DEGREES,
    GRID,
    NORTH,
    WEST,
    cells,
    named,
    square,
    write_cover,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from rasterio.crs import CRS

from rsp.geo.footprint import Footprint
from rsp.geo.land_cover.zonal import LandCover
from rsp.geo.windows.window import Window
from rsp.ops.fractions import class_fractions


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 89), st.integers(1, 69), st.floats(0, 1800), st.floats(0, 1300))
def test_cutting_the_raster_into_tiles_changes_nothing(
    mixed, tmp_path_factory, column, row, dx, dy
):
    land_cover, codes = mixed
    folder = tmp_path_factory.mktemp('tiles')
    for i, (x0, x1) in enumerate([(0, column), (column, 90)]):
        for j, (y0, y1) in enumerate([(0, row), (row, 70)]):
            corner = GRID @ Affine.translation(x0, y0)
            write_cover(folder / f'{i}{j}.tif', codes[y0:y1, x0:x1], corner)
    footprint = square(WEST + dx, NORTH - dy, 700, 600)
    whole, parts = (
        land_cover.count(footprint),
        LandCover(folder, 'globeland30').count(footprint),
    )
    np.testing.assert_allclose(parts.counts, whole.counts, atol=1e-4)
    assert parts.unknown_codes == pytest.approx(whole.unknown_codes, abs=1e-4)
    assert parts.area == whole.area
    assert parts.nodata == pytest.approx(whole.nodata, abs=1e-4)


def test_a_footprint_inside_a_tile_sees_that_tile_only(tmp_path):
    write_cover(tmp_path / 'a.tif', np.full((20, 20), 20))
    east = GRID @ Affine.translation(20, 0)
    write_cover(tmp_path / 'b.tif', np.full((20, 20), 60), east)
    land_cover = LandCover(tmp_path, 'globeland30')
    assert named(land_cover.count(cells(0, 0, 20, 20))) == {'Forest': 400}
    assert named(land_cover.count(cells(20, 0, 20, 20))) == {'Waterbodies': 400}
    crossing = land_cover.count(cells(15, 5, 10, 10))
    assert named(crossing) == {'Forest': 50, 'Waterbodies': 50}
    assert crossing.area == 100


def test_overlapping_tiles_count_ground_once_the_first_one_first(tmp_path):
    a = write_cover(tmp_path / 'a.tif', np.full((20, 20), 20))
    overlapping = GRID @ Affine.translation(12, 0)
    b = write_cover(tmp_path / 'b.tif', np.full((20, 20), 60), overlapping)
    footprint = cells(10, 0, 20, 10)
    first = LandCover([a, b], 'globeland30').count(footprint)
    assert named(first) == {'Forest': 100, 'Waterbodies': 100}
    second = LandCover([b, a], 'globeland30').count(footprint)
    assert named(second) == {'Forest': 20, 'Waterbodies': 180}
    assert first.coverage == second.coverage == 1


def test_a_collar_of_no_data_does_not_hide_the_neighbor(tmp_path):
    codes = np.full((20, 20), 20)
    codes[:, 15:] = 0
    codes[:4, :4] = 0
    a = write_cover(tmp_path / 'a.tif', codes)
    over = GRID @ Affine.translation(5, 0)
    b = write_cover(tmp_path / 'b.tif', np.full((20, 20), 60), over)
    cover = LandCover([a, b], 'globeland30').count(cells(0, 0, 20, 20))
    # The corner lies beside the second raster: nothing is known of it.
    assert named(cover) == {'Forest': 284, 'Waterbodies': 100}
    assert cover.nodata == 16
    assert cover.coverage == 384 / 400


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 0, 37.3]), st.booleans())
def test_any_tiles_with_holes_count_as_their_mosaic(
    tmp_path_factory, seed, turn, in_degrees
):
    draw = np.random.default_rng(seed)
    codes = draw.choice([20, 60, 0, 80], (6, 6)).repeat(10, 0).repeat(10, 1)
    folder = tmp_path_factory.mktemp('tiles')
    mosaic = np.zeros_like(codes)
    for number in range(3):
        x, y, width, height = draw.integers((0, 0, 5, 5), (40, 40, 25, 25))
        tile = codes[y : y + height, x : x + width].copy()
        tile[draw.random(tile.shape) < 0.2] = 0
        write_cover(folder / f'{number}.tif', tile, GRID @ Affine.translation(x, y))
        part = mosaic[y : y + height, x : x + width]
        part[part == 0] = tile[part == 0]
    tiles = LandCover(folder, 'globeland30')
    whole = LandCover(write_cover(folder / 'whole/m.tif', mosaic), 'globeland30')
    west, north = WEST + draw.uniform(-300, 1500), NORTH - draw.uniform(-300, 1500)
    corner = Affine.translation(west, north) @ Affine.rotation(turn)
    width, height = draw.integers(10, 1500, 2).tolist()
    window = Window(0, 0, height, width)
    footprint = Footprint.from_window(corner @ Affine.scale(1, -1), CRS33, window)
    if in_degrees:
        footprint = Footprint(footprint.to_crs(DEGREES), DEGREES)
    found, expected = tiles.count(footprint), whole.count(footprint)
    np.testing.assert_allclose(found.counts, expected.counts, atol=2e-3)


def test_tiles_of_two_zones_share_a_footprint_on_their_meridian(tmp_path):
    # 18 degrees east, where zones 33 and 34 meet; the second tile overlaps the first.
    for zone, code in ((33, 20), (34, 60)):
        lonlat = Transformer.from_crs(4326, 32600 + zone, always_xy=True)
        x, y = lonlat.transform(18 + (zone - 33.5) * 0.09, 46.05)
        corner = Affine(CELL, 0, x - 6000, 0, -CELL, y + 6000)
        crs = f'EPSG:{32600 + zone}'
        write_cover(tmp_path / f'{zone}.tif', np.full((400, 400), code), corner, crs)
    x, y = Transformer.from_crs(4326, 32633, always_xy=True).transform(18.03, 46.05)
    footprint = square(x - 3000, y + 1500, 6000, 3000)
    both = LandCover(tmp_path, 'globeland30').count(footprint)
    # The scale of a zone changes by some 2e-5 over six kilometers.
    assert both.coverage == pytest.approx(1, abs=1e-4)
    assert both.area == pytest.approx(6000 * 3000 / CELL**2)
    assert both.counts.sum() == pytest.approx(both.area, rel=1e-4)
    one = LandCover(tmp_path / '33.tif', 'globeland30').count(footprint)
    assert 0.2 < one.coverage < 0.9
    assert named(both)['Forest'] == pytest.approx(named(one)['Forest'], abs=1e-4)


def test_rasters_of_other_cell_sizes_count_in_cells_of_the_first(tmp_path):
    a = write_cover(tmp_path / 'a.tif', np.full((20, 20), 20))
    fine = Affine(10, 0, WEST + 600, 0, -10, NORTH)
    b = write_cover(tmp_path / 'b.tif', np.full((60, 60), 60), fine)
    cover = LandCover([a, b], 'globeland30').count(cells(10, 0, 20, 20))
    assert named(cover) == pytest.approx({'Forest': 200, 'Waterbodies': 200})
    assert cover.area == 400


def test_longitude_180_is_no_border(tmp_path):
    cell = 0.001
    for name, west, code in (('east', 179.9, 20), ('west', -180, 60)):
        corner = Affine(cell, 0, west, 0, -cell, 10)
        codes = np.full((100, 100), code)
        write_cover(tmp_path / f'{name}.tif', codes, corner, 'EPSG:4326')
    local = CRS.from_proj4('+proj=laea +lat_0=9.95 +lon_0=180 +datum=WGS84')
    footprint = square(-1000, 1000, 2000, crs=local)
    cover = LandCover(tmp_path, 'globeland30').count(footprint)
    shares = class_fractions(cover.counts)[[3, 6]]
    np.testing.assert_allclose(shares, 0.5, atol=1e-4)
    assert cover.coverage == pytest.approx(1, abs=1e-5)


def test_a_raster_beyond_longitude_180_is_found_from_both_sides(tmp_path):
    codes = np.full((100, 200), 20)
    codes[:, 100:] = 60
    corner = Affine(0.001, 0, 179.9, 0, -0.001, 10)
    land_cover = LandCover(
        write_cover(tmp_path / 'a.tif', codes, corner, 'EPSG:4326'), 'globeland30'
    )
    for west, name in ((179.95, 'Forest'), (-179.96, 'Waterbodies')):
        window = Affine(0.001, 0, west, 0, -0.001, 9.98)
        cover = land_cover.count(
            Footprint.from_window(window, DEGREES, Window(0, 0, 20, 10))
        )
        assert named(cover) == pytest.approx({name: 200}, abs=1e-3)


def test_over_a_pole_a_polar_map_counts_and_one_in_degrees_refuses(tmp_path):
    polar = CRS.from_epsg(3413)
    corner = Affine(1000, 0, -50_000, 0, -1000, 50_000)
    codes = np.full((100, 100), 100)
    map_ = write_cover(tmp_path / 'polar.tif', codes, corner, 'EPSG:3413')
    footprint = square(-5000, 5000, 10_000, crs=polar)
    cover = LandCover(map_, 'globeland30').count(footprint)
    assert named(cover) == {'Permanent_Snow': 100}
    degrees = Affine(0.1, 0, -180, 0, -0.1, 90)
    world = write_cover(
        tmp_path / 'world.tif', np.full((100, 3600), 100), degrees, 'EPSG:4326'
    )
    with pytest.raises(ValueError, match='pole'):
        LandCover(world, 'globeland30').count(footprint)
    # With both at hand, the one that can answer does.
    both = LandCover([world, map_], 'globeland30').count(footprint)
    assert named(both) == {'Permanent_Snow': 100}
