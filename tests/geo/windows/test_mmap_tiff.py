"""Compare mapped files with GDAL: the same pixels, or none."""

import itertools
import sys

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rsp.geo.windows import reader as windows
from rsp.geo.windows.blocks import iter_blocks
from rsp.geo.windows.mmap_tiff import MmapRasters
from rsp.geo.windows.reader import Region, WindowReader
from rsp.geo.windows.stored_blocks import merge_bands
from rsp.geo.windows.window import Window

TILES = dict(tiled=True, blockxsize=32, blockysize=16)
LAYOUTS = [{}, dict(blockysize=7), TILES]
SHAPE = (45, 70)


def some_pixels(bands, dtype='uint8'):
    rng = np.random.default_rng(0)
    return rng.integers(1, 99, (bands, *SHAPE)).astype(dtype)


@given(
    st.tuples(st.integers(0, 60), st.integers(0, 60)),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.integers(1, 20), st.integers(1, 20)),
)
def test_blocks_make_up_a_window(corner, size, block):
    grid = np.arange(100 * 110).reshape(100, 110)
    window = Window(*corner, *size)
    out = np.full(size, -1)
    for (row, column), within, place in iter_blocks(window, block):
        whole = grid[row * block[0] :, column * block[1] :][: block[0], : block[1]]
        assert (out[place] == -1).all()
        assert out[place].size
        out[place] = whole[within]
    np.testing.assert_array_equal(out, grid[window.slices])


@pytest.mark.parametrize('interleave', ['pixel', 'band'])
@pytest.mark.parametrize('layout', LAYOUTS)
@pytest.mark.parametrize('dtype', ['uint8', 'int16', 'uint16', 'float32', 'float64'])
def test_every_order_of_bands_from_every_layout(write_scene, layout, interleave, dtype):
    pixels = some_pixels(3, dtype)
    file = write_scene('a.tif', pixels=pixels, interleave=interleave, **layout)
    mapped = MmapRasters()(str(file))
    for count in (1, 2, 3):
        for bands in itertools.permutations(range(1, 4), count):
            for window in (
                Window(10, 30, 30, 20),
                Window(0, 0, *SHAPE),
                Window(44, 69, 1, 1),
            ):
                values = mapped.read(window, bands)
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
    st.sampled_from([(3, 2, 1), (1, 2, 3), (2,)]),
)
def test_any_window_of_tiles(tiles, corner, size, bands):
    mapped, pixels = tiles
    (top, left), (height, width) = corner, size
    window = Window(top, left, min(height, SHAPE[0] - top), min(width, SHAPE[1] - left))
    mapped.prefetch(window, bands)
    values = mapped.read(window, bands)
    wanted = pixels[np.array(bands) - 1][(slice(None), *window.slices)]
    np.testing.assert_array_equal(values, wanted.transpose(1, 2, 0))


@pytest.fixture(params=['pixel', 'band'])
def tiles(write_scene, request):
    pixels = some_pixels(3)
    file = write_scene('a.tif', pixels=pixels, interleave=request.param, **TILES)
    return MmapRasters()(str(file)), pixels


@pytest.mark.parametrize(
    'options',
    [
        dict(compress='deflate'),
        dict(compress='deflate', **TILES),
        dict(nbits=4),
        dict(endianness='BIG' if sys.byteorder == 'little' else 'LITTLE'),
        dict(driver='ENVI'),
    ],
)
def test_other_files_are_left_to_gdal(write_scene, options):
    pixels = some_pixels(2, 'uint8') % 16
    file = write_scene('a.tif', pixels=pixels, **options)
    assert MmapRasters()(str(file)) is None
    reader = WindowReader(threads=0)
    assert not reader.can_mmap(str(file))
    read = reader.read(Region(str(file), Window(6, 5, 10, 20), (2, 1), mmap=True))
    np.testing.assert_array_equal(
        read.values, pixels[::-1, 6:16, 5:25].transpose(1, 2, 0)
    )


def test_blocks_that_were_never_written_are_left_to_gdal(write_scene, tmp_path):
    with rasterio.open(write_scene('plain.tif')) as plain:
        profile = plain.profile | dict(count=1, dtype='uint8', nodata=7) | TILES
    with rasterio.open(tmp_path / 'a.tif', 'w', sparse_ok=True, **profile) as file:
        ones = np.ones((1, 16, 32), np.uint8)
        file.write(ones, window=rasterio.windows.Window(0, 0, 32, 16))
    maps, path = MmapRasters(), str(tmp_path / 'a.tif')
    assert (maps.read(path, Window(0, 0, 16, 32), (1,)) == 1).all()
    assert maps.read(path, Window(0, 10, 16, 32), (1,)) is None
    # From then on, the whole file is.
    assert maps.read(path, Window(0, 0, 16, 32), (1,)) is None
    reader = WindowReader(threads=0)
    values = reader.read(Region(path, Window(0, 16, 16, 32), (1,), mmap=True)).values
    assert (values[:, :16] == 1).all()
    assert (values[:, 16:] == 7).all()


def test_strips_out_of_line_are_left_to_gdal(write_scene):
    pixels = some_pixels(1)
    file = write_scene('a.tif', pixels=pixels, blockysize=5)
    with rasterio.open(file) as dataset:
        names = [f'BLOCK_OFFSET_0_{strip}' for strip in range(9)]
        tags = [dataset.get_tag_item(name, 'TIFF', bidx=1) for name in names]
    offsets = np.array(tags, np.uint32)
    data, size = bytearray(file.read_bytes()), 5 * 70
    place = data.index(offsets.tobytes())
    fifth, sixth = (slice(start, start + size) for start in offsets[5:7].tolist())
    data[fifth], data[sixth] = data[sixth], data[fifth]
    data[place : place + offsets.nbytes] = offsets[
        [0, 1, 2, 3, 4, 6, 5, 7, 8]
    ].tobytes()
    file.write_bytes(data)
    maps, path = MmapRasters(), str(file)
    before = maps.read(path, Window(2, 3, 23, 9), (1,))
    np.testing.assert_array_equal(before[..., 0], pixels[0, 2:25, 3:12])
    assert maps.read(path, Window(2, 3, 24, 9), (1,)) is None
    read = WindowReader().read(Region(path, Window(2, 3, 40, 9), (1,), mmap=True))
    np.testing.assert_array_equal(read.values[..., 0], pixels[0, 2:42, 3:12])


@pytest.mark.parametrize('layout', LAYOUTS)
def test_a_file_that_is_cut_off_is_told_by_name(write_scene, layout):
    file = write_scene('a.tif', pixels=some_pixels(3), **layout)
    file.write_bytes(file.read_bytes()[:5000])
    reader = WindowReader(threads=0)
    region = Region(str(file), Window(0, 0, *SHAPE), (1, 2, 3), mmap=True)
    reader.prefetch([region])
    with pytest.raises(ValueError, match=r"bands \(1, 2, 3\) of '.*a\.tif' at"):
        reader.read(region)


def test_windows_beyond_the_file_are_refused_as_ever(write_scene):
    reader = WindowReader(threads=0)
    path = str(write_scene('a.tif', 20, 10))
    for window in ((0, 15, 5, 6), (6, 0, 5, 5), (0, -1, 5, 5)):
        with pytest.raises(ValueError, match='within height 10 and width 20'):
            reader.read(Region(path, Window(*window), (1,), mmap=True))


def test_a_reader_asks_gdal_for_no_raw_window(write_scene, monkeypatch):
    monkeypatch.delattr(windows, 'read_region')
    path = str(write_scene('a.tif', pixels=some_pixels(3), **TILES))
    reader = WindowReader()
    assert reader.can_mmap(path)
    regions = [
        Region(path, Window(3, left, 30, 20), (3, 2, 1), mmap=True) for left in (0, 9)
    ]
    reader.prefetch(regions)
    for region in regions:
        assert reader.read(region).values.shape == (30, 20, 3)
    reader.close()


def test_few_files_are_held(write_scene):
    maps = MmapRasters(limit=2)
    paths = [str(write_scene(f'{name}.tif')) for name in 'abc']
    first = maps(paths[0])
    for path in (*paths, paths[1]):
        maps(path)
    assert maps(paths[1]) is maps(paths[1])
    assert maps(paths[0]) is not first
    with pytest.raises(FileNotFoundError, match='no raster'):
        maps(paths[0] + 'f')


@pytest.mark.parametrize('count', [1, 2, 13, 512, 513])
@pytest.mark.parametrize('dtype', ['uint8', 'int16', 'uint16', 'float32', 'float64'])
def test_any_number_of_planes_is_merged(count, dtype):
    """OpenCV knows up to 512; parts of larger arrays are where a block's pixels go."""
    planes = np.random.default_rng(0).integers(0, 200, (count, 5, 7)).astype(dtype)
    out = np.zeros((9, 10, count), dtype)
    merge_bands([plane[1:4, 2:6] for plane in planes], out[3:6, 4:8])
    wanted = np.zeros_like(out)
    wanted[3:6, 4:8] = planes[:, 1:4, 2:6].transpose(1, 2, 0)
    np.testing.assert_array_equal(out, wanted)
