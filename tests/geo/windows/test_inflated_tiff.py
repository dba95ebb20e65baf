"""Compare blocks that are inflated here with GDAL: the same pixels, or none."""

import itertools
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rsp.geo.windows import inflated_tiff
from rsp.geo.windows import reader as windows
from rsp.geo.windows.inflated_tiff import InflatedRasters
from rsp.geo.windows.reader import Region, WindowReader
from rsp.geo.windows.window import Window

TILES = dict(tiled=True, blockxsize=32, blockysize=16)
LAYOUTS = [{}, dict(blockysize=7), TILES]
SHAPE = (45, 70)


def some_pixels(bands, dtype='uint8'):
    rng = np.random.default_rng(0)
    if np.dtype(dtype).kind == 'f':
        return rng.normal(size=(bands, *SHAPE)).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, (bands, *SHAPE), dtype, endpoint=True)


@pytest.mark.parametrize('interleave', ['pixel', 'band'])
@pytest.mark.parametrize('layout', LAYOUTS)
@pytest.mark.parametrize(
    ('dtype', 'predictor'),
    [
        *itertools.product(('uint8', 'int16', 'uint16', 'int32', 'uint32'), (1, 2)),
        ('float32', 1),
    ],
)
def test_every_layout_gives_the_pixels_that_were_written(
    write_scene, layout, interleave, dtype, predictor
):
    pixels = some_pixels(3, dtype)
    options = dict(compress='deflate', predictor=predictor, interleave=interleave)
    file = write_scene('a.tif', pixels=pixels, **options, **layout)
    rasters = InflatedRasters()
    for bands in ((1, 2, 3), (3, 2, 1), (2,), (3, 1)):
        for window in (
            Window(10, 30, 30, 20),
            Window(0, 0, *SHAPE),
            Window(44, 69, 1, 1),
        ):
            values = rasters.read(str(file), window, bands)
            wanted = pixels[np.array(bands) - 1][(slice(None), *window.slices)]
            assert values.dtype == dtype
            assert values.flags.c_contiguous
            assert values.flags.writeable
            np.testing.assert_array_equal(
                values, wanted.transpose(1, 2, 0), err_msg=f'{bands} {window}'
            )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.tuples(st.integers(0, 44), st.integers(0, 69)),
    st.tuples(st.integers(1, 45), st.integers(1, 70)),
)
def test_any_window_of_thirteen_bands(thirteen, corner, size):
    rasters, file, pixels = thirteen
    (top, left), (height, width) = corner, size
    window = Window(top, left, min(height, SHAPE[0] - top), min(width, SHAPE[1] - left))
    values = rasters.read(file, window, tuple(range(1, 14)))
    wanted = pixels[(slice(None), *window.slices)]
    np.testing.assert_array_equal(values, wanted.transpose(1, 2, 0))


@pytest.fixture(params=['pixel', 'band'])
def thirteen(write_scene, request):
    pixels = some_pixels(13, 'uint16')
    options = dict(compress='deflate', predictor=2, interleave=request.param)
    file = write_scene('a.tif', pixels=pixels, **options, **TILES)
    return InflatedRasters(), str(file), pixels


@pytest.mark.parametrize(
    'options',
    [
        {},
        dict(compress='lzw'),
        dict(compress='deflate', nbits=4),
        dict(compress='deflate', dtype='float32', predictor=3),
        dict(compress='deflate', photometric='CIELAB'),
        dict(compress='deflate', endianness='BIG'),
    ],
)
def test_other_files_are_left_to_gdal(write_scene, options):
    pixels = some_pixels(3).astype(options.get('dtype', 'uint8')) // 16
    file = write_scene('a.tif', pixels=pixels, **options)
    window, bands = Window(6, 5, 10, 20), (3, 2, 1)
    assert InflatedRasters().read(str(file), window, bands) is None
    read = WindowReader(threads=0).read(Region(str(file), window, bands))
    with rasterio.open(file) as dataset:
        wanted = dataset.read([3, 2, 1])[:, 6:16, 5:25]
    np.testing.assert_array_equal(read.values, wanted.transpose(1, 2, 0))


def test_blocks_that_were_never_written_are_left_to_gdal(write_scene, tmp_path):
    with rasterio.open(write_scene('plain.tif')) as plain:
        profile = plain.profile | dict(count=1, dtype='uint8', nodata=7) | TILES
    profile['compress'] = 'deflate'
    with rasterio.open(tmp_path / 'a.tif', 'w', sparse_ok=True, **profile) as file:
        ones = np.ones((1, 16, 32), np.uint8)
        file.write(ones, window=rasterio.windows.Window(0, 0, 32, 16))
    rasters, path = InflatedRasters(), str(tmp_path / 'a.tif')
    assert rasters.read(path, Window(0, 16, 16, 32), (1,)) is None
    assert (rasters.read(path, Window(0, 0, 16, 32), (1,)) == 1).all()
    values = WindowReader().read(Region(path, Window(0, 16, 16, 32), (1,))).values
    assert (values[:, :16] == 1).all()
    assert (values[:, 16:] == 7).all()


@pytest.mark.parametrize('layout', LAYOUTS)
def test_damage_is_told_by_name_though_what_it_gives_may_be_inflated(
    write_scene, layout
):
    """One bit within stored bytes leaves a stream valid, and its checksum wrong."""
    pixels = some_pixels(3)  # Noise, which deflate stores as it is.
    file = write_scene('a.tif', pixels=pixels, compress='deflate', **layout)
    with rasterio.open(file) as dataset:
        offset, size = (
            int(dataset.get_tag_item(f'BLOCK_{what}_0_1', 'TIFF', bidx=1))
            for what in ('OFFSET', 'SIZE')
        )
    data = bytearray(file.read_bytes())
    data[offset + size // 2] ^= 1
    file.write_bytes(data)
    reader = WindowReader(threads=0)
    with pytest.raises(ValueError, match=r"bands \(1, 2, 3\) of '.*a\.tif' at"):
        reader.read(Region(str(file), Window(0, 0, *SHAPE), (1, 2, 3)))
    file.write_bytes(data[:-5000])
    with pytest.raises(ValueError, match=r"bands \(1, 2, 3\) of '.*a\.tif' at"):
        reader.read(Region(str(file), Window(0, 0, *SHAPE), (1, 2, 3)))


def test_a_reader_asks_gdal_for_no_deflated_window(write_scene, monkeypatch):
    monkeypatch.delattr(windows, 'read_region')
    pixels = some_pixels(3)
    path = str(write_scene('a.tif', pixels=pixels, compress='deflate', **TILES))
    reader = WindowReader()
    regions = [Region(path, Window(3, left, 30, 20), (3, 2, 1)) for left in (0, 9)]
    reader.prefetch(regions)
    for region in regions:
        assert reader.read(region).values.shape == (30, 20, 3)
    reader.close()


def test_gdal_reads_where_there_is_no_isal(write_scene, monkeypatch):
    monkeypatch.setattr(inflated_tiff, 'isal_zlib', None)
    pixels = some_pixels(3)
    path = str(write_scene('a.tif', pixels=pixels, compress='deflate', **TILES))
    assert InflatedRasters().read(path, Window(0, 0, 9, 9), (1,)) is None
    read = WindowReader(threads=0).read(Region(path, Window(0, 0, 9, 9), (1,)))
    np.testing.assert_array_equal(read.values[..., 0], pixels[0, :9, :9])


def test_threads_share_few_open_files(write_scene):
    pixels = some_pixels(3)
    paths = [
        str(write_scene(f'{name}.tif', pixels=pixels, compress='deflate', **TILES))
        for name in 'abc'
    ]
    rasters = InflatedRasters(limit=2)

    def read(number):
        return rasters.read(paths[number % 3], Window(0, number, *(20, 30)), (1, 2, 3))

    with ThreadPoolExecutor(8) as pool:
        for number, values in enumerate(pool.map(read, range(40))):
            wanted = pixels[:, :20, number : number + 30].transpose(1, 2, 0)
            np.testing.assert_array_equal(values, wanted)
    assert len(rasters._rasters) == 2
    with pytest.raises(FileNotFoundError, match='no raster'):
        rasters.read(paths[0] + 'f', Window(0, 0, 1, 1), (1,))


@pytest.fixture(params=['pixel', 'band'])
def large_tiles(write_scene, request):
    """Tiles of 128 and 384 kB: smaller ones are always inflated whole."""
    pixels = np.random.default_rng(0).integers(0, 400, (3, 300, 300), np.uint16)
    options = dict(compress='deflate', predictor=2, interleave=request.param)
    file = write_scene('a.tif', pixels=pixels, tiled=True, **options)
    return InflatedRasters(), file, pixels


def test_blocks_that_were_verified_are_inflated_as_far_as_needed(
    large_tiles, monkeypatch
):
    rasters, file, pixels = large_tiles
    bands = (1, 2, 3)
    rasters.read(str(file), Window(0, 0, 300, 300), bands)
    # What inflates whole blocks.
    monkeypatch.delattr(inflated_tiff.isal_zlib, 'decompress')
    for window in (
        Window(0, 0, 1, 1),
        Window(3, 250, 90, 50),
        Window(260, 20, 30, 70),
        Window(60, 200, 40, 100),
    ):
        values = rasters.read(str(file), window, bands)
        wanted = pixels[(slice(None), *window.slices)].transpose(1, 2, 0)
        np.testing.assert_array_equal(values, wanted, err_msg=str(window))


def test_blocks_are_verified_when_first_read_and_after_the_file_was_modified(
    large_tiles,
):
    rasters, file, pixels = large_tiles
    top, bands = Window(0, 0, 2, 2), (1, 2, 3)
    intact = file.read_bytes()
    with rasterio.open(file) as dataset:
        offset, size = (
            int(dataset.get_tag_item(f'BLOCK_{what}_0_0', 'TIFF', bidx=1))
            for what in ('OFFSET', 'SIZE')
        )
    data = bytearray(intact)
    data[offset + size - 1] ^= 1  # Of the checksum.

    def read_of(content, seconds):
        with file.open('r+b') as opened:
            opened.write(content)
        os.utime(file, (seconds, seconds))
        return rasters.read(str(file), top, bands)

    assert read_of(data, 1) is None
    np.testing.assert_array_equal(read_of(intact, 2)[..., 1], pixels[1, :2, :2])
    assert read_of(data, 3) is None


def test_what_was_verified_of_a_file_before_it_was_modified_is_forgotten(
    large_tiles, monkeypatch
):
    """Another thread finds it modified while this one still inflates the old bytes."""
    rasters, file, _ = large_tiles
    raster = rasters._open(str(file))
    whole, window = inflated_tiff.isal_zlib.decompress, Window(0, 0, 2, 2)

    def decompress(*given):
        raster._modified, raster._verified = 0, set()
        return whole(*given)

    monkeypatch.setattr(inflated_tiff.isal_zlib, 'decompress', decompress)
    raster.read(window, (1,))
    assert not raster._verified
