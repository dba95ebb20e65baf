"""The generated files are what the other tests take them for."""

import numpy as np
import pytest
import rasterio
import scenes
from rasterio.errors import RasterioIOError
from rasterio.warp import transform


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    return scenes.make(tmp_path_factory.mktemp('made'))


def covers_of(pixels):
    """Places in CLASSES of the nearest spectrum, (H, W)."""
    spectra = scenes.SPECTRA[:, : len(pixels), None, None]
    # Directions: the ripple of the ground scales all bands alike.
    pixels = pixels / np.linalg.norm(pixels, axis=0)
    spectra = spectra / np.linalg.norm(spectra, axis=1, keepdims=True)
    return np.einsum('bhw,kbhw->khw', pixels, spectra).argmax(axis=0)


@pytest.mark.parametrize(
    'name', ['S2A_20200601_T33TWK.tif', 'S2B_20200811_T33TWK.tif', 'rotated.tif']
)
def test_land_cover_is_that_of_the_pixels(made, name):
    with rasterio.open(made.scenes / 's2' / name) as scene:
        seen = covers_of(scene.read().astype(float))
        columns, rows = np.meshgrid(
            np.arange(scene.width) + 0.5, np.arange(scene.height) + 0.5
        )
        x, y = scene.transform @ (columns, rows)
        crs = scene.crs
    with rasterio.open(made.worldcover) as raster:
        lon, lat = transform(crs, raster.crs, x.ravel(), y.ravel())
        columns, rows = ~raster.transform @ (np.array(lon), np.array(lat))
        codes = raster.read(1)[rows.astype(int), columns.astype(int)]
    expected = scenes.WORLDCOVER[seen].ravel()
    # A pixel of either raster may lie across a border.
    assert (codes == expected).mean() > 0.9
    assert len(np.unique(expected)) >= 5


def test_the_tiles_of_globeland30_share_the_ground(made):
    upper, lower = (rasterio.open(file).read(1) for file in made.globeland30)
    assert not np.any((upper > 0) & (lower > 0))
    assert np.all((upper > 0) | (lower > 0))
    assert (upper > 0).any()


def test_bad_files_are_bad(made):
    with rasterio.open(made.bad / 'no_crs.tif') as file:
        assert file.crs is None
    with (
        rasterio.open(made.bad / 'truncated.tif') as file,
        pytest.raises(RasterioIOError),
    ):
        file.read()


def test_a_wedge_has_no_data_in_all_bands(made):
    with rasterio.open(made.scenes / 's2' / 'wedge.tif') as file:
        empty = file.read() == file.nodata
    assert 0.1 < empty.mean() < 0.3
    assert (empty == empty[0]).all()
