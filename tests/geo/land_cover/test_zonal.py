"""Counting land cover of one raster under footprints."""

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

from rsp.geo.footprint import Footprint
from rsp.geo.land_cover.zonal import LandCover
from rsp.geo.windows.window import Window
from rsp.ops.fractions import LAND_COVER_CLASSES, class_fractions

rng = np.random.default_rng(0)


def test_sub_codes_of_tundra_are_summed(tmp_path):
    codes = np.array([[71] * 5 + [72] * 7])
    cover = LandCover(write_cover(tmp_path / 'a.tif', codes), 'globeland30').count(
        cells(0, 0, 12, 1)
    )
    assert named(cover) == {'Tundra': 12}


def test_sea_and_water_are_kept_apart_and_no_data_is_no_class(tmp_path):
    codes = np.full((16, 16), 255)
    codes[3, 4:6] = 60
    land_cover = LandCover(write_cover(tmp_path / 'a.tif', codes), 'globeland30')
    cover = land_cover.count(cells(0, 0, 16, 16))
    assert named(cover) == {'Waterbodies': 2, 'sea': 254}
    assert class_fractions(cover.counts)[6] == pytest.approx(1, abs=1e-6)
    codes[0] = 0
    codes[1, :3] = 33
    land_cover = LandCover(write_cover(tmp_path / 'b.tif', codes), 'globeland30')
    cover = land_cover.count(cells(0, 0, 16, 16))
    assert len(cover.counts) == 11
    assert (cover.nodata, cover.unknown, cover.unknown_codes) == (16, 3, {33: 3})
    assert cover.counts.sum() == 256 - 16 - 3
    assert cover.coverage == 240 / 256


@settings(max_examples=25, deadline=None)
@given(
    st.floats(-400, 3000), st.floats(-2500, 400), st.floats(1, 1500),
    st.floats(1, 1500), st.floats(0.05, 0.95),
)  # fmt: skip
def test_everything_adds_up_and_a_split_footprint_counts_the_same(
    mixed, dx, dy, width, height, place
):
    land_cover, _ = mixed
    whole = land_cover.count(square(WEST + dx, NORTH + dy, width, height))
    left = land_cover.count(square(WEST + dx, NORTH + dy, width * place, height))
    right = land_cover.count(
        square(WEST + dx + width * place, NORTH + dy, width * (1 - place), height)
    )
    tolerance = 1e-5 * (width + height) / CELL + 1e-5
    np.testing.assert_allclose(left.counts + right.counts, whole.counts, atol=tolerance)
    assert left.unknown + right.unknown == pytest.approx(whole.unknown, abs=tolerance)
    if whole.area:
        assert whole.area == pytest.approx(width * height / CELL**2, abs=tolerance)
        total = whole.counts.sum() + whole.nodata + whole.unknown
        assert total == pytest.approx(whole.area, abs=tolerance)


def test_half_forest_half_water(tmp_path):
    codes = np.full((40, 60), 20)
    codes[:, 30:] = 60
    land_cover = LandCover(write_cover(tmp_path / 'a.tif', codes), 'globeland30')
    border = WEST + 30 * CELL
    forest_and_water = [3, 6]
    for shift, expected in ((0, [0.5, 0.5]), (-300, [1, 0]), (300, [0, 1])):
        cover = land_cover.count(square(border - 300 + shift, NORTH - 100, 600))
        y = class_fractions(cover.counts)
        np.testing.assert_allclose(y[forest_and_water], expected, atol=1e-6)


def test_one_cell_east_is_one_column_further(tmp_path):
    # Each column has a code of its own, so unknown codes tell the window.
    codes = np.tile(np.arange(1, 91), (70, 1))
    land_cover = LandCover(write_cover(tmp_path / 'a.tif', codes), {0: 'no data'})
    here, there = (
        land_cover.count(square(WEST + 110 + shift, NORTH - 95, 768)).unknown_codes
        for shift in (0, CELL)
    )
    assert {code + 1: cell for code, cell in here.items()} == pytest.approx(there)
    # 256 pixels of 3 m: 25.6 cells, which touch 26 or 27 columns.
    assert sum(here.values()) == pytest.approx(25.6**2)
    assert len(here) == 27
    aligned = land_cover.count(square(WEST + 90, NORTH - 90, 768)).unknown_codes
    assert len(aligned) == 26
    assert aligned[4 + 25] == pytest.approx(0.6 * 25.6)


def test_meters_and_degrees_give_the_same_counts(tmp_path):
    codes = rng.choice([10, 20, 60, 80], (70, 90))
    land_cover = LandCover(write_cover(tmp_path / 'a.tif', codes), 'globeland30')
    meters = square(WEST + 500, NORTH - 400, 1000)
    degrees = Footprint(meters.to_crs(DEGREES), DEGREES)
    np.testing.assert_allclose(
        land_cover.count(degrees).counts, land_cover.count(meters).counts, atol=0.01
    )


def test_a_rotated_scene_counts_its_true_polygon_not_its_bounds(mixed):
    land_cover, codes = mixed
    turned = Affine.translation(WEST + 1300, NORTH - 500) @ Affine.rotation(-30)
    turned = turned @ Affine.scale(10, -10)
    footprint = Footprint.from_window(turned, CRS33, Window(0, 0, 40, 60))
    cover = land_cover.count(footprint)
    assert cover.area == pytest.approx(600 * 400 / CELL**2)
    # Every cell in 20 x 20 points, by brute force.
    points = (np.arange(90 * 20) + 0.5) / 20, (np.arange(70 * 20) + 0.5) / 20
    x, y = np.meshgrid(*points)
    column, row = ~turned @ (GRID @ (x, y))
    inside = (column >= 0) & (column < 60) & (row >= 0) & (row < 40)
    expected = inside.reshape(70, 20, 90, 20).mean((1, 3))
    for name, code in (('Forest', 20), ('Waterbodies', 60), ('sea', 255)):
        number = expected[codes == code].sum()
        place = LAND_COVER_CLASSES.index(name)
        assert cover.counts[place] == pytest.approx(number, abs=0.1)


def test_a_rotated_raster_counts_in_its_own_cells(tmp_path):
    turned = Affine.translation(WEST, NORTH) @ Affine.rotation(20)
    turned = turned @ Affine.scale(CELL, -CELL)
    codes = rng.choice([20, 60], (50, 40))
    land_cover = LandCover(
        write_cover(tmp_path / 'a.tif', codes, turned), 'globeland30'
    )
    cover = land_cover.count(Footprint.from_window(turned, CRS33, Window(4, 3, 30, 20)))
    part = codes[4:34, 3:23]
    assert named(cover) == {
        'Forest': (part == 20).sum(), 'Waterbodies': (part == 60).sum()
    }  # fmt: skip


def test_a_footprint_far_away_matches_nothing(mixed):
    cover = mixed[0].count(square(WEST - 90_000, NORTH, 500))
    assert (cover.area, cover.coverage, cover.nodata) == (0, 0, 0)
    assert named(cover) == {}


def test_a_footprint_over_the_border_is_covered_in_part(mixed):
    cover = mixed[0].count(cells(-10, 0, 20, 10))
    assert cover.area == 200
    assert cover.coverage <= 0.5
    assert cover.nodata >= 100


def test_a_whole_scene_is_counted_in_bands_of_little_memory(mixed, monkeypatch):
    land_cover, _ = mixed
    footprint = square(WEST - 50, NORTH + 70, 2700, 2100)
    whole = land_cover.count(footprint)
    monkeypatch.setattr('rsp.geo.land_cover.code_counts.CELLS_AT_ONCE', 500)
    bands = land_cover.count(footprint)
    np.testing.assert_allclose(bands.counts, whole.counts, atol=1e-5)
    assert bands.area == whole.area


@pytest.mark.parametrize(
    ('kind', 'offset'), [('int16', -128), ('uint16', 0), ('int32', -(2**31))]
)
def test_any_type_of_integers_is_counted(tmp_path, kind, offset):
    codes = rng.choice([20, 60], (20, 20)).astype(kind)
    codes[0, :7] = offset
    file = write_cover(tmp_path / 'a.tif', codes, nodata=offset)
    cover = LandCover(file, 'globeland30').count(cells(0, 0, 20, 20))
    assert cover.nodata == 7
    assert cover.counts.sum() == 393


def test_it_travels_to_another_process(mixed):
    import pickle

    land_cover, _ = mixed
    footprint = cells(3, 4, 30, 20)
    land_cover.count(footprint)
    copy = pickle.loads(pickle.dumps(land_cover))
    np.testing.assert_array_equal(
        copy.count(footprint).counts, land_cover.count(footprint).counts
    )
