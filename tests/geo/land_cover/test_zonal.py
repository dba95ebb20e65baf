"""Counting land cover under footprints."""

import numpy as np
import pytest
from affine import Affine
from cover_rasters import CELL, GRID, NORTH, UTM33, WEST, write_cover
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from rasterio.crs import CRS

from rsp.geo.footprint import Footprint
from rsp.geo.land_cover.zonal import LandCover
from rsp.geo.windows.window import Window
from rsp.ops.fractions import LAND_COVER_CLASSES, class_fractions

CRS33 = CRS.from_string(UTM33)
DEGREES = CRS.from_epsg(4326)
rng = np.random.default_rng(0)


def square(x, y, width, height=None, crs=CRS33):
    """The ground of a box whose top-left corner is at (x, y)."""
    return Footprint.from_window(
        Affine(1, 0, x, 0, -1, y), crs, Window(0, 0, height or width, width)
    )


def cells(column, row, width, height):
    """The ground of whole cells of GRID."""
    return Footprint.from_window(GRID, CRS33, Window(row, column, height, width))


def named(cover):
    """Counts that are not zero, by name."""
    pairs = zip(LAND_COVER_CLASSES, cover.counts.tolist(), strict=True)
    return {name: count for name, count in pairs if count}


@pytest.fixture(scope='module')
def mixed(tmp_path_factory):
    """A raster of random classes, no data, sea and one unknown code, and its codes."""
    values = np.array([0, 10, 20, 30, 60, 71, 75, 80, 90, 100, 255, 33], np.uint8)
    codes = rng.choice(values, (70, 90))
    file = write_cover(tmp_path_factory.mktemp('mixed') / 'cover.tif', codes)
    return LandCover(file, 'globeland30'), codes


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
        assert total == pytest.approx(whole.area, abs=1e-5)


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


def test_a_no_data_value_that_is_a_class_is_noted_and_the_class_map_followed(tmp_path):
    file = write_cover(tmp_path / 'a.tif', np.zeros((9, 9)).astype('u1'), nodata=0)
    land_cover = LandCover(file, 'dynamic-world')
    assert named(land_cover.count(cells(0, 0, 9, 9))) == {'Waterbodies': 81}
    (note,) = land_cover.notes
    assert '1 of 1 files declare 0 as no data, which is Waterbodies' in note
    changed = LandCover(file, dict(base='dynamic-world', nodata=[0]))
    assert changed.count(cells(0, 0, 9, 9)).nodata == 81
    assert changed.notes == []


def test_a_truncated_raster_is_named(tmp_path):
    file = write_cover(tmp_path / 'a.tif', rng.integers(0, 255, (300, 300)))
    file.write_bytes(file.read_bytes()[:-40_000])
    land_cover = LandCover(file, 'globeland30')
    with pytest.raises(ValueError, match=r'cannot read the pixels of .*a\.tif'):
        land_cover.count(cells(0, 0, 300, 300))


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        (dict(crs=None), 'reference system'),
        (dict(codes=np.zeros((4, 4), 'f4')), 'one band of integer classes .* float32'),
        (dict(transform=None), 'geotransform'),
    ],
)
@pytest.mark.filterwarnings('ignore::rasterio.errors.NotGeoreferencedWarning')
def test_rasters_that_are_no_map_are_refused(tmp_path, options, words):
    codes = options.pop('codes', np.zeros((4, 4), 'u1'))
    write_cover(tmp_path / 'a.tif', codes, **options)
    with pytest.raises(ValueError, match=words):
        LandCover(tmp_path, 'nlcd')


def test_missing_rasters_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='gone'):
        LandCover(tmp_path / 'gone', 'nlcd')
    with pytest.raises(FileNotFoundError, match=r'\.tif, \.tiff'):
        LandCover([tmp_path], 'nlcd')


def test_an_uncertain_class_map_lists_tables_and_codes(tmp_path):
    file = write_cover(tmp_path / 'map.tif', np.array([[41, 42, 43]]))
    with pytest.raises(
        ValueError, match='codes found: 41, 42, 43; class maps: globe'
    ) as e:
        LandCover(file)
    assert 'nlcd (knows 3 of the 3 codes)' in str(e.value)
    named_file = write_cover(tmp_path / 'n33_45_2020lc030.tif', np.array([[10, 72]]))
    assert LandCover(named_file).class_map.name == 'globeland30'
    with pytest.raises(ValueError, match=r"'.*n33.*' with certainty \(others: nlcd\)|"):
        LandCover([file, named_file])


def test_it_travels_to_another_process(mixed):
    import pickle

    land_cover, _ = mixed
    footprint = cells(3, 4, 30, 20)
    land_cover.count(footprint)
    copy = pickle.loads(pickle.dumps(land_cover))
    np.testing.assert_array_equal(
        copy.count(footprint).counts, land_cover.count(footprint).counts
    )
