"""Real maps of land cover: labels against direct counts of the rasters."""

import json

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS

from rsp.geo.footprint import Footprint
from rsp.geo.land_cover.class_maps import load_class_map
from rsp.geo.land_cover.label_file import read_labels
from rsp.geo.land_cover.zonal import LandCover
from rsp.geo.windows.window import Window
from rsp.ops.fractions import LAND_COVER_CLASSES, class_fractions
from rsp.prepare.label.folder import label_folder
from rsp.prepare.label.job import LabelJob

pytestmark = pytest.mark.shared


@pytest.fixture
def pack(unpack):
    """The archive's folder."""
    return unpack('open/geotiff.tar')


def direct(codes, class_map):
    """Cells of each class, counted one code at a time."""
    found = np.zeros(len(LAND_COVER_CLASSES))
    for code, name in load_class_map(class_map).codes.items():
        found[LAND_COVER_CLASSES.index(name)] += (codes == code).sum()
    return found


def test_the_slovenian_scene_has_exactly_the_classes_of_its_raster(pack, tmp_path):
    folder = pack / 's2_slovenia_overlap'
    scenes = tmp_path / 'scenes'
    scenes.mkdir()
    for scene in folder.glob('S2_*.tif'):
        (scenes / scene.name).symlink_to(scene)
    class_map = str(folder / 'lulc_classes.json')
    job = LabelJob(str(scenes), [str(folder / 'lulc.tif')], class_map, None, None, 0.5)
    label_folder(job, tmp_path / 'out', workers=0)
    labels = read_labels(tmp_path / 'out')
    assert len(labels.images) == 4
    with rasterio.open(folder / 'lulc.tif') as data:
        codes = data.read(1)
    names = json.loads((folder / 'lulc_classes.json').read_text())
    assert names['2'] == 'forest'
    expected = direct(codes, class_map)
    assert expected[LAND_COVER_CLASSES.index('Forest')] == 7601
    for counts, coverage in zip(labels.counts, labels.coverage, strict=True):
        np.testing.assert_array_equal(counts, expected)
        np.testing.assert_array_equal(
            class_fractions(counts), class_fractions(expected)
        )
        assert coverage == pytest.approx(1 - (codes == 0).mean(), abs=1e-6)
    # Windows of a grid partition the scene.
    job = LabelJob(str(scenes), [str(folder / 'lulc.tif')], class_map, 20, 20, 0.5)
    label_folder(job, tmp_path / 'grid', workers=0)
    labels = read_labels(tmp_path / 'grid')
    for counts, window in zip(labels.counts, labels.windows, strict=True):
        part = codes[Window(*window).slices]
        np.testing.assert_array_equal(counts, direct(part, class_map))


MAPS = [
    ('worldcover_2020_saotome', 'worldcover'),
    ('worldcover_2021_principe', 'worldcover'),
    ('zion_nlcd2011', 'nlcd'), ('usda_cdl_2021_kansas', 'cdl'),
]  # fmt: skip


@pytest.mark.parametrize(('name', 'class_map'), MAPS)
def test_windows_of_a_real_map_count_what_is_in_them(pack, name, class_map):
    file = pack / 'landcover' / f'{name}.tif'
    land_cover = LandCover(file)
    assert land_cover.class_map.name == class_map, 'guessed from its colors'
    with rasterio.open(file) as data:
        codes, transform, crs = data.read(1), data.transform, data.crs
    rng = np.random.default_rng(0)
    for _ in range(20):
        size = int(rng.integers(1, 400))
        x = int(rng.integers(codes.shape[1] - size))
        y = int(rng.integers(codes.shape[0] - size))
        cover = land_cover.count(
            Footprint.from_window(transform, crs, Window(y, x, size, size))
        )
        part = codes[y : y + size, x : x + size]
        np.testing.assert_array_equal(cover.counts, direct(part, class_map))
        assert cover.unknown_codes == {}
        assert cover.nodata == size**2 - cover.counts.sum()


def test_two_islands_are_one_map_and_the_first_year_counts(pack):
    folder = pack / 'landcover'
    islands = [
        folder / f'worldcover_2021_{name}.tif' for name in ('principe', 'saotome')
    ]
    both = LandCover(islands)
    with rasterio.open(islands[1]) as data:
        transform, crs = data.transform, data.crs
    footprint = Footprint.from_window(transform, crs, Window(2000, 1500, 256, 256))
    alone = LandCover(islands[1]).count(footprint)
    np.testing.assert_array_equal(both.count(footprint).counts, alone.counts)
    years = [folder / f'worldcover_{year}_saotome.tif' for year in (2021, 2020)]
    np.testing.assert_array_equal(
        LandCover(years).count(footprint).counts, alone.counts
    )
    other = LandCover(years[::-1]).count(footprint)
    assert (other.counts != alone.counts).any()
    assert other.area == alone.area


@pytest.mark.parametrize('turn', [0, 33])
def test_a_scene_in_meters_counts_the_degrees_under_it(pack, turn):
    """Against the class at 9 points of each pixel, looked up one by one by rasterio."""
    file = pack / 'landcover/worldcover_2021_saotome.tif'
    transform = Affine.translation(226_000, 36_000) @ Affine.rotation(turn)
    transform = transform @ Affine.scale(10, -10)
    crs = CRS.from_epsg(32632)
    cover = LandCover(file).count(
        Footprint.from_window(transform, crs, Window(0, 0, 256, 256))
    )
    from rasterio.warp import transform as warp

    steps = (np.arange(256 * 3) + 0.5) / 3
    x, y = transform @ tuple(np.meshgrid(steps, steps))
    lon, lat = warp(crs, 'EPSG:4326', x.ravel(), y.ravel())
    with rasterio.open(file) as data:
        codes = data.read(1)
        column, row = ~data.transform @ (np.array(lon), np.array(lat))
    found = direct(codes[row.astype(int), column.astype(int)], 'worldcover')
    shares = cover.counts / cover.counts.sum()
    np.testing.assert_allclose(shares, found / found.sum(), atol=3e-4)
    assert cover.coverage == 1


def test_a_class_map_of_eight_classes_is_named_and_agrees_with_the_full_one(pack):
    words = {
        1: 'water', 2: 'developed', 3: 'barren', 4: 'forest', 5: 'shrubland',
        6: 'herbaceous', 7: 'planted/cultivated', 8: 'wetlands',
    }  # fmt: skip
    folder = pack / 'landcover'
    with pytest.raises(ValueError, match='codes found: 1, 2, 3, 4, 5, 6, 7, 8;'):
        LandCover(folder / 'zion_nlcd_8class.tif')
    eight = LandCover(folder / 'zion_nlcd_8class.tif', words)
    full = LandCover(folder / 'zion_nlcd2011.tif', 'nlcd')
    for window in (Window(400, 300, 256, 256), Window(0, 0, 1359, 1073)):
        counts = [
            land_cover.count(
                Footprint.from_window(raster.transform, raster.crs, window)
            ).counts
            for land_cover in (eight, full)
            for raster in land_cover.rasters
        ]
        np.testing.assert_array_equal(*counts)


def test_an_elevation_model_is_no_land_cover(pack):
    with pytest.raises(ValueError, match='cannot tell the class map'):
        LandCover(pack / 'landcover/zion_srtm.tif')


def test_scenes_elsewhere_have_no_match(pack, tmp_path):
    job = LabelJob(
        str(pack / 'scenes'), [str(pack / 'landcover/zion_nlcd2011.tif')], 'nlcd', None,
        None, 0.5,
    )  # fmt: skip
    results = label_folder(job, tmp_path / 'out', workers=0)
    reasons = [entry[0] for result in results for entry in result['skipped']]
    assert reasons == ['no match'] * 5
    assert [*read_labels(tmp_path / 'out').images] == []
