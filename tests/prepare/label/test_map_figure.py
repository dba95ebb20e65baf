"""The picture of scenes over the land cover: north up, the right class at each dot."""

import numpy as np
import pytest
from affine import Affine
from cover_rasters import CELL, NORTH, UTM33, WEST, write_cover
from PIL import Image
from rasterio.crs import CRS

from rsp.geo.land_cover.class_maps import NODATA_INDEX, UNKNOWN_INDEX
from rsp.geo.land_cover.zonal import LandCover
from rsp.ops.fractions import LAND_COVER_CLASSES
from rsp.prepare.label.map_figure import COLORS, NAMES, draw_map, sample_classes

FOREST, WATER = map(LAND_COVER_CLASSES.index, ('Forest', 'Waterbodies'))


@pytest.fixture
def land_cover(tmp_path):
    """Forest; water in the upper right quarter, one code unknown, one cell no data."""
    codes = np.full((40, 60), 20, np.uint8)
    codes[:20, 30:] = 60
    codes[30:35, :5] = 33
    codes[39, 59] = 0
    return LandCover(write_cover(tmp_path / 'cover.tif', codes), 'globeland30')


def test_dots_are_the_cells_under_them_north_up(land_cover):
    extent = (WEST - 300, NORTH - 40 * CELL, WEST + 60 * CELL, NORTH)
    places = sample_classes(land_cover, CRS.from_string(UTM33), extent)
    height, width = places.shape
    assert width == pytest.approx(1000, abs=1)
    assert height == pytest.approx(1000 * 1200 / 2100, abs=1)
    dot = 2100 / 1000
    at = lambda x, y: places[int(y / dot), int((x + 300) / dot)]  # noqa: E731
    assert at(-150, 600) == NODATA_INDEX
    assert at(15, 15) == FOREST
    assert at(1785, 15) == WATER
    assert at(1785, 630) == FOREST
    assert at(75, 31 * CELL) == UNKNOWN_INDEX
    assert at(1785, 1185) == NODATA_INDEX


def test_a_picture_in_degrees_shows_the_same_shares(land_cover):
    west, south, east, north = (
        land_cover.rasters[0].extent.to_crs(CRS.from_epsg(4326)).bounds
    )
    places = sample_classes(land_cover, CRS.from_epsg(4326), (west, south, east, north))
    number = np.bincount(places.ravel(), minlength=13) / places.size
    assert number[WATER] == pytest.approx(0.25, abs=0.01)
    assert number[FOREST] == pytest.approx(0.74, abs=0.02)


def test_the_land_cover_of_both_sides_of_longitude_180_is_shown(tmp_path):
    for name, code, west in (('a', 20, 179), ('b', 60, -180)):
        grid = Affine(0.1, 0, west, 0, -0.1, 1)
        write_cover(
            tmp_path / f'{name}.tif', np.full((10, 10), code), grid, 'EPSG:4326'
        )
    land_cover = LandCover(tmp_path, 'globeland30')
    places = sample_classes(land_cover, CRS.from_epsg(4326), (179, 0, 181, 1))
    assert (places[:, :500] == FOREST).all()
    assert (places[:, 500:] == WATER).all()
    write_cover(
        tmp_path / 'scenes/s.tif', np.zeros((8, 9)),
        Affine(0.1, 0, 179.6, 0, -0.1, 0.9), 'EPSG:4326',
    )  # fmt: skip
    picture = tmp_path / 'map.png'
    assert draw_map(land_cover, tmp_path / 'scenes', ['s.tif'], ['s.tif'], picture)
    colors = np.asarray(Image.open(picture).convert('RGB')).reshape(-1, 3)
    for place in (FOREST, WATER):
        rgb = tuple(bytes.fromhex(COLORS[place][1:]))
        assert (colors == rgb).all(axis=1).mean() > 0.1


def test_scenes_of_several_systems_are_drawn_in_degrees(land_cover, tmp_path):
    scenes = tmp_path / 'scenes'
    write_cover(scenes / 'a.tif', np.zeros((9, 9)))
    degrees = Affine(1e-4, 0, 14.75, 0, -1e-4, 46.05)
    write_cover(scenes / 'b.tif', np.zeros((9, 9)), degrees, 'EPSG:4326')
    (scenes / 'c.tif').write_bytes(b'nothing')
    names = ['a.tif', 'b.tif', 'c.tif']
    out = tmp_path / 'map.png'
    assert draw_map(land_cover, scenes, names, {'a.tif'}, out) == 2
    pixels = np.array(Image.open(out).convert('RGB'))
    assert min(pixels.shape[:2]) > 300
    assert draw_map(land_cover, scenes, ['c.tif'], set(), tmp_path / 'no.png') == 0
    assert not (tmp_path / 'no.png').exists()


def test_every_class_has_a_color_of_its_own():
    assert len(COLORS) == len(NAMES) == len({*COLORS}) == 13
