import itertools
import os
import pickle
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsp.geo.rasters import OpenRasters
from rsp.geo.windows import reader as windows
from rsp.geo.windows.blocks import (
    align_to_block,
    block_union,
    center_window,
    expand_to_blocks,
    neighbors,
)
from rsp.geo.windows.reader import Region, WindowReader, read_region
from rsp.geo.windows.window import Window

LAYOUTS = [
    {},
    dict(tiled=True, blockxsize=32, blockysize=16),
    dict(tiled=True, blockxsize=32, blockysize=16, compress='deflate'),
    dict(compress='lzw'),
]


@pytest.mark.parametrize('interleave', ['pixel', 'band'])
@pytest.mark.parametrize('layout', LAYOUTS)
@pytest.mark.parametrize('dtype', ['uint8', 'int16', 'float32'])
def test_every_order_of_bands_from_every_layout(write_scene, layout, interleave, dtype):
    pixels = np.random.default_rng(0).integers(1, 99, (4, 40, 50)).astype(dtype)
    file = write_scene('a.tif', pixels=pixels, interleave=interleave, **layout)
    rasters = OpenRasters()
    for count in (1, 2, 3, 4):
        for bands in itertools.permutations(range(1, 5), count):
            read = read_region(rasters, Region(str(file), Window(5, 7, 30, 20), bands))
            wanted = pixels[np.array(bands) - 1, 5:35, 7:27].transpose(1, 2, 0)
            assert read.values.dtype == dtype
            np.testing.assert_array_equal(read.values, wanted, err_msg=str(bands))


@pytest.mark.parametrize('layout', LAYOUTS)
def test_three_bands_in_reverse(write_scene, layout):
    pixels = np.random.default_rng(0).integers(1, 99, (3, 40, 50), np.uint8)
    file = write_scene('a.tif', pixels=pixels, interleave='pixel', **layout)
    read = read_region(
        OpenRasters(), Region(str(file), Window(2, 1, 20, 30), (3, 2, 1))
    )
    np.testing.assert_array_equal(
        read.values, pixels[::-1, 2:22, 1:31].transpose(1, 2, 0)
    )


def test_a_mask_band_is_read_along(write_scene):
    mask = np.full((80, 100), 255, np.uint8)
    mask[:, :40] = 0
    file = write_scene('a.tif', mask=mask)
    read = read_region(
        OpenRasters(), Region(str(file), Window(0, 30, 10, 20), (1,), True)
    )
    valid = read.valid_mask([None])
    assert (valid == (np.arange(30, 50) >= 40)).all()
    assert read.cut(Window(5, 40, 5, 5)).valid_mask([None]) is None


def test_a_cut_is_a_copy_of_its_part(write_scene):
    file = write_scene('a.tif')
    read = read_region(OpenRasters(), Region(str(file), Window(20, 10, 40, 50), (1, 2)))
    part = read.cut(Window(30, 15, 6, 8))
    assert (part.values[..., 0] == np.arange(16, 24)).all()
    part.values[:] = 0
    assert read.values.all()
    for outside in ((20, 9, 5, 5), (19, 10, 5, 5), (20, 56, 5, 5), (56, 10, 5, 5)):
        with pytest.raises(ValueError, match='expected a window within'):
            read.cut(Window(*outside))


def test_windows_beyond_a_file_are_refused(write_scene):
    region = Region(str(write_scene('a.tif', 20, 10)), Window(6, -4, 8, 10), (1, 2))
    with pytest.raises(ValueError, match=r'height 10 and width 20 of .*a\.tif'):
        read_region(OpenRasters(), region)


def test_a_damaged_block_is_told_with_its_file(write_scene):
    pixels = np.random.default_rng(0).integers(1, 255, (1, 200, 190), np.uint8)
    file = write_scene('a.tif', pixels=pixels, compress='deflate')
    data = bytearray(file.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4000] = bytes(4000)
    file.write_bytes(data)
    with pytest.raises(
        ValueError,
        match=r"'.*a\.tif' at Window\(.*width=190\)",
    ):
        read_region(OpenRasters(), Region(str(file), Window(0, 0, 200, 190), (1,)))


@pytest.fixture
def regions(write_scene):
    file = str(write_scene('a.tif', 640, 80, dtype='uint16'))
    return [Region(file, Window(0, x, 16, 32), (1,)) for x in range(0, 640, 32)]


@pytest.mark.parametrize('threads', [0, 1, 3])
def test_reading_ahead_changes_nothing(regions, threads):
    reader = WindowReader(threads=threads)
    reader.prefetch(regions)
    for region in [*regions[::-1], *regions]:
        values = reader.read(region).values
        left = region.window.left
        assert (values[..., 0] == np.arange(left + 1, left + 33)).all()
    reader.close()


def test_reading_ahead_is_done_by_threads_and_not_far(regions, monkeypatch):
    seen, gate = [], threading.Event()
    read = windows.read_region

    def slow(rasters, region):
        gate.wait(10)
        seen.append((region, threading.current_thread()))
        return read(rasters, region)

    monkeypatch.setattr(windows, 'read_region', slow)
    reader = WindowReader(threads=2)
    reader.prefetch(regions)
    assert len(reader._coming) == 4
    gate.set()
    reader.read(regions[0])
    assert all(thread is not threading.main_thread() for _, thread in seen)
    reader.prefetch([])
    reader.close()


def test_regions_are_kept_up_to_a_bound(regions, monkeypatch):
    size = 32 * 16 * 2
    reader = WindowReader(threads=0, cache_mb=3 * size / 2**20)
    for region in regions[:4]:
        reader.read(region)
    assert list(reader._kept) == regions[1:4]
    first = reader.read(regions[1])
    assert reader.read(regions[1]) is first
    reader.read(regions[5], keep=False)
    assert regions[5] not in reader._kept
    large = WindowReader(threads=0, cache_mb=0)
    assert large.read(regions[0]) is large.read(regions[0])


def test_an_error_comes_to_who_asked(regions, tmp_path):
    reader = WindowReader(threads=1)
    missing = Region(str(tmp_path / 'gone.tif'), Window(0, 0, 1, 1), (1,))
    reader.prefetch([regions[0], missing])
    reader.read(regions[0])
    with pytest.raises(FileNotFoundError, match=r'gone\.tif'):
        reader.read(missing)
    reader.close()


def test_a_reader_survives_pickling_and_a_fork(regions):
    reader = WindowReader(max_open=3, threads=2, cache_mb=99)
    reader.prefetch(regions)
    reader.read(regions[0])
    copy = pickle.loads(pickle.dumps(reader))
    assert (copy.rasters.limit, copy.threads, copy.cache_mb) == (3, 2, 99)
    child = os.fork()
    if child == 0:
        reader.prefetch(regions[3:])
        os._exit(int(reader.read(regions[3]).values[0, 0, 0]))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 97
    assert reader.read(regions[1]).values[0, 0, 0] == 33
    reader.close()


SHAPES = st.tuples(st.integers(8, 60), st.integers(8, 60))
BLOCKS = st.tuples(st.integers(1, 40), st.integers(1, 70))
WINDOWS = st.tuples(st.integers(1, 8), st.integers(1, 8))


def assert_inside(inner, outer):
    assert outer.top <= inner.top
    assert outer.left <= inner.left
    assert inner.bottom <= outer.bottom
    assert inner.right <= outer.right


@settings(max_examples=100, deadline=None, derandomize=True)
@given(SHAPES, BLOCKS, WINDOWS, st.data())
def test_blocks_under_windows(shape, block, size, data):
    row = data.draw(st.integers(0, shape[0] - 1))
    column = data.draw(st.integers(0, shape[1] - 1))
    window = center_window(row, column, size, shape)
    assert window.is_inside(shape)
    assert window[2:] == size
    assert_inside(Window(row, column, 1, 1), window)

    whole = expand_to_blocks(window, block, shape)
    assert_inside(window, whole)
    assert whole.top % block[0] == whole.left % block[1] == 0
    for end, step, limit in zip((whole.bottom, whole.right), block, shape, strict=True):
        assert end == limit or end % step == 0
    assert whole.height < size[0] + 2 * block[0]
    assert whole.width < size[1] + 2 * block[1]

    union = block_union(window, block, shape)
    tops, lefts = neighbors(window, block, shape)
    assert window.top in tops
    assert window.left in lefts
    assert tops[0] // block[0] == tops[-1] // block[0]
    assert lefts[0] // block[1] == lefts[-1] // block[1]
    for corner in ((tops[0], lefts[0]), (tops[-1], lefts[-1])):
        assert_inside(expand_to_blocks(Window(*corner, *size), block, shape), union)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(SHAPES, BLOCKS, WINDOWS, st.data())
def test_an_aligned_window_needs_no_block_in_vain(shape, block, size, data):
    row = data.draw(st.integers(0, shape[0] - 1))
    column = data.draw(st.integers(0, shape[1] - 1))
    window = align_to_block(row, column, size, block, shape)
    for start, place, edge, step, end in zip(
        window[:2], (row, column), size, block, shape, strict=True
    ):
        assert 0 <= start <= end - edge
        if start == end - edge:
            continue  # shifted in from the border
        if step <= edge:
            assert start == place // step * step
        else:
            assert start // step == (start + edge - 1) // step == place // step


def test_aligned_by_hand():
    tile, strip, shape = (256, 256), (4, 1200), (1000, 1200)
    size = (256, 200)
    assert align_to_block(300, 700, size, tile, shape) == (256, 512, *size)
    assert align_to_block(300, 1199, size, tile, shape) == (256, 1000, *size)
    assert align_to_block(303, 700, size, strip, shape) == (300, 600, *size)
    # Two whole windows of 100 in a block of 256, the second one up to its end.
    assert align_to_block(0, 250, (100, 100), tile, shape) == (0, 156, 100, 100)
