"""Class maps of another product are refused on both ways into GeoKR."""

from types import SimpleNamespace

import numpy as np
import pytest

from rsp.cli import main
from rsp.datasets import LandCoverImages, SceneDataset
from rsp.geo.land_cover.class_map_fit import refuse_misfit
from rsp.geo.land_cover.class_maps import load_class_map
from rsp.geo.land_cover.class_tables import COLORS
from rsp.geo.land_cover.label_file import read_labels
from rsp.geo.land_cover.zonal import LandCover, ZonalCounts
from tests.cover_rasters import write_cover

WORLDCOVER = 'ESA_WorldCover_10m_2021_v200_N45E012_Map.tif'
BLOCKS = np.kron(np.array([[10, 40], [50, 80]]), np.ones((48, 48))).astype(np.uint8)


@pytest.fixture
def scenes(tmp_path):
    """Two scenes of 96 cells, with pixels and land cover on one grid."""
    rng = np.random.default_rng(0)
    for name in 'ab':
        pixels = rng.integers(1, 255, (96, 96), dtype=np.uint8)
        write_cover(tmp_path / f'scenes/{name}.tif', pixels)
    return tmp_path / 'scenes'


@pytest.fixture(params=['label file', 'while training'])
def use(request, scenes, tmp_path):
    """Return a function that uses a map by one of the two ways."""

    def by_labels(cover, class_map):
        words = [str(scenes), str(cover), str(tmp_path / 'out'), '--no-map']
        words += ['--class-map', class_map] if class_map else []
        main('prepare label', argv=[*words, '--crop-size', '32', '--workers', '0'])

    def in_training(cover, class_map):
        land_cover = dict(rasters=str(cover), class_map=class_map)
        try:
            SceneDataset(
                str(scenes), 32, bands=[1], stretch=None, land_cover=land_cover
            )
        except ValueError as error:
            raise SystemExit(f'error: {error}') from error

    return by_labels if request.param == 'label file' else in_training


def test_codes_of_another_product_are_refused(use, tmp_path):
    cover = write_cover(tmp_path / 'map/lc.tif', BLOCKS)
    with pytest.raises(SystemExit, match=r"class map 'nlcd' below .*100% of the gro"):
        use(cover, 'nlcd')
    use(cover, 'worldcover')


def test_an_official_file_of_another_product_is_refused_though_it_has_all_codes(
    use, tmp_path
):
    """GlobeLand30 has every code of WorldCover: 10 is cropland there, and forest."""
    cover = write_cover(tmp_path / 'map' / WORLDCOVER, BLOCKS)
    with pytest.raises(SystemExit, match=r"are those of 'worldcover'; set class_map="):
        use(cover, 'globeland30')
    use(cover, 'worldcover')


def test_the_remedies_lead_to_a_map(tmp_path):
    """The right table, or a table for codes that were changed."""
    cover = write_cover(tmp_path / WORLDCOVER, BLOCKS)
    with pytest.raises(ValueError, match=r"class_map=dict\(base='globeland30'\)"):
        LandCover(cover, 'globeland30')
    assert LandCover(cover, 'worldcover').class_map.name == 'worldcover'
    assert LandCover(cover, dict(base='globeland30')).class_map.codes[10] == (
        'Cultivated_Land'
    )


def test_colors_tell_the_product_too_and_strange_codes_nothing(tmp_path):
    colors = {code: (*rgb, 255) for code, rgb in COLORS['nlcd'].items()}
    codes = np.where(BLOCKS == 10, 11, 41).astype(np.uint8)
    file = write_cover(tmp_path / 'map.tif', codes, photometric='palette')
    import rasterio

    with rasterio.open(file, 'r+') as data:
        data.write_colormap(1, colors)
    with pytest.raises(ValueError, match="colors are those of 'nlcd'"):
        LandCover(file, 'corine')
    # An official name over codes that the product does not have: re-coded.
    recoded = write_cover(tmp_path / WORLDCOVER, BLOCKS // 10)
    assert LandCover(recoded, 'esri').class_map.name == 'esri'


@pytest.mark.parametrize(
    ('class_map', 'known', 'unknown', 'fits'),
    [
        ('esri', 95, {3333: 5}, True),
        ('esri', 85, {3333: 15}, False),
        ('dynamic-world', 50, {255: 900, -9999: 50}, True),  # collars
        ('worldcover', 0, {}, True),  # no land cover at all: told elsewhere
        ({80: 'water'}, 20, {10: 80}, True),  # on purpose
        ({800: 'water'}, 0, {10: 80}, False),
    ],
)
def test_most_of_the_ground_has_codes_of_the_class_map(class_map, known, unknown, fits):
    cover = ZonalCounts(np.array([known, *[0] * 10]), unknown)
    land_cover = SimpleNamespace(
        class_map=load_class_map(class_map), count=lambda ground: cover
    )
    if fits:
        assert refuse_misfit(land_cover, [None, None]).keys() == unknown.keys()
        return
    with pytest.raises(ValueError, match='expected codes of the class map'):
        refuse_misfit(land_cover, [None, None])


def test_labels_may_be_written_beside_the_scenes_twice(scenes, tmp_path):
    """The main recipe's own command; its results are told from scenes by their kind."""
    cover = write_cover(tmp_path / 'map/lc.tif', BLOCKS)
    words = [str(scenes), str(cover), str(scenes), '--class-map', 'worldcover']
    for _ in range(2):
        main('prepare label', argv=[*words, '--workers', '0'])
        assert [*read_labels(scenes).images] == ['a.tif', 'b.tif']
    assert (scenes / 'map.png').is_file()
    images = LandCoverImages(str(scenes), str(scenes))
    assert [info['img_path'] for info in images.load_data_list()] == [
        str(scenes / 'a.tif'),
        str(scenes / 'b.tif'),
    ]


def test_a_scan_may_write_beside_and_above_its_scenes(scenes, tmp_path):
    for out in (scenes, tmp_path):
        main('prepare scan', argv=[str(scenes), '--out', str(out), '--window', '32'])
        assert '"files": 2' in (out / 'scan.json').read_text()
