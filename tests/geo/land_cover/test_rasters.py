"""Rasters that are accepted as a land-cover map, and their class map."""

import numpy as np
import pytest
from cover_rasters import cells, named, write_cover

from rsp.geo.land_cover.zonal import LandCover

rng = np.random.default_rng(0)


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
