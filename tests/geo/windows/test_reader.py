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
from rsp.geo.windows.blocks import aligned, around, family, siblings, snapped
from rsp.geo.windows.reader import Region, WindowReader, read_boundless, read_region

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
            read = read_region(rasters, Region(str(file), (7, 5, 20, 30), bands))
            wanted = pixels[np.array(bands) - 1, 5:35, 7:27].transpose(1, 2, 0)
            assert read.values.dtype == dtype
            np.testing.assert_array_equal(read.values, wanted, err_msg=str(bands))


@pytest.mark.parametrize('layout', LAYOUTS)
def test_three_bands_in_reverse(write_scene, layout):
    pixels = np.random.default_rng(0).integers(1, 99, (3, 40, 50), np.uint8)
    file = write_scene('a.tif', pixels=pixels, interleave='pixel', **layout)
    read = read_region(OpenRasters(), Region(str(file), (1, 2, 30, 20), (3, 2, 1)))
    np.testing.assert_array_equal(
        read.values, pixels[::-1, 2:22, 1:31].transpose(1, 2, 0)
    )


def test_a_mask_band_is_read_along(write_scene):
    mask = np.full((80, 100), 255, np.uint8)
    mask[:, :40] = 0
    file = write_scene('a.tif', mask=mask)
    read = read_region(OpenRasters(), Region(str(file), (30, 0, 20, 10), (1,), True))
    valid = read.valid([None])
    assert (valid == (np.arange(30, 50) >= 40)).all()
    assert read.cut((40, 5, 5, 5)).valid([None]) is None


def test_a_cut_is_a_copy_of_its_part(write_scene):
    file = write_scene('a.tif')
    read = read_region(OpenRasters(), Region(str(file), (10, 20, 50, 40), (1, 2)))
    part = read.cut((15, 30, 8, 6))
    assert (part.values[..., 0] == np.arange(16, 24)).all()
    part.values[:] = 0
    assert read.values.all()
    for outside in ((9, 20, 5, 5), (10, 19, 5, 5), (56, 20, 5, 5), (10, 56, 5, 5)):
        with pytest.raises(ValueError, match='expected a window within'):
            read.cut(outside)


def test_windows_beyond_a_file_are_filled_only_where_asked(write_scene):
    file = write_scene('a.tif', 20, 10)
    region = Region(str(file), (-4, 6, 10, 8), (1, 2))
    with pytest.raises(ValueError, match=r'within the 20 x 10 pixels of .*a\.tif'):
        read_region(OpenRasters(), region)
    read = read_boundless(OpenRasters(), region, (20, 10), fill=99)
    inside = np.zeros((8, 10), bool)
    inside[:4, 4:] = True
    assert (read.declared == inside).all()
    assert (read.values[~inside] == 99).all()
    assert (read.values[:4, 4:, 0] == np.arange(1, 7)).all()
    far = read_boundless(
        OpenRasters(), Region(str(file), (50, 50, 2, 2), (1,)), (20, 10)
    )
    assert not far.declared.any()


def test_a_damaged_block_is_told_with_its_file(write_scene):
    pixels = np.random.default_rng(0).integers(1, 255, (1, 200, 200), np.uint8)
    file = write_scene('a.tif', pixels=pixels, compress='deflate')
    data = bytearray(file.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4000] = bytes(4000)
    file.write_bytes(data)
    with pytest.raises(ValueError, match=r"'.*a\.tif' at \(0, 0, 200, 200\)"):
        read_region(OpenRasters(), Region(str(file), (0, 0, 200, 200), (1,)))


@pytest.fixture
def regions(write_scene):
    file = str(write_scene('a.tif', 640, 80, dtype='uint16'))
    return [Region(file, (x, 0, 32, 16), (1,)) for x in range(0, 640, 32)]


@pytest.mark.parametrize('threads', [0, 1, 3])
def test_reading_ahead_changes_nothing(regions, threads):
    reader = WindowReader(threads=threads)
    reader.ahead(regions)
    for region in [*regions[::-1], *regions]:
        values = reader.read(region).values
        assert (
            values[..., 0] == np.arange(region.window[0] + 1, region.window[0] + 33)
        ).all()
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
    reader.ahead(regions)
    assert len(reader._coming) == 4
    gate.set()
    reader.read(regions[0])
    assert all(thread is not threading.main_thread() for _, thread in seen)
    reader.ahead([])
    reader.close()


def test_regions_are_kept_up_to_a_bound(regions, monkeypatch):
    size = 32 * 16 * 2
    reader = WindowReader(threads=0, cache_bytes=3 * size)
    for region in regions[:4]:
        reader.read(region)
    assert list(reader._kept) == regions[1:4]
    first = reader.read(regions[1])
    assert reader.read(regions[1]) is first
    reader.read(regions[5], keep=False)
    assert regions[5] not in reader._kept
    large = WindowReader(threads=0, cache_bytes=1)
    assert large.read(regions[0]) is large.read(regions[0])


def test_an_error_comes_to_who_asked(regions, tmp_path):
    reader = WindowReader(threads=1)
    missing = Region(str(tmp_path / 'gone.tif'), (0, 0, 1, 1), (1,))
    reader.ahead([regions[0], missing])
    reader.read(regions[0])
    with pytest.raises(FileNotFoundError, match=r'gone\.tif'):
        reader.read(missing)
    reader.close()


def test_a_reader_survives_pickling_and_a_fork(regions):
    reader = WindowReader(limit=3, threads=2, cache_bytes=99)
    reader.ahead(regions)
    reader.read(regions[0])
    copy = pickle.loads(pickle.dumps(reader))
    assert (copy.rasters.limit, copy.threads, copy.cache_bytes) == (3, 2, 99)
    child = os.fork()
    if child == 0:
        reader.ahead(regions[3:])
        os._exit(int(reader.read(regions[3]).values[0, 0, 0]))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 97
    assert reader.read(regions[1]).values[0, 0, 0] == 33
    reader.close()


SIZES = st.tuples(st.integers(8, 60), st.integers(8, 60))
BLOCKS = st.tuples(st.integers(1, 70), st.integers(1, 40))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(SIZES, BLOCKS, st.integers(1, 8), st.integers(1, 8), st.data())
def test_blocks_under_windows(size, block, width, height, data):
    x = data.draw(st.integers(0, size[0] - 1))
    y = data.draw(st.integers(0, size[1] - 1))
    window = around(x, y, (width, height), size)
    assert 0 <= window[0] <= x < window[0] + width <= size[0]
    assert 0 <= window[1] <= y < window[1] + height <= size[1]

    left, top, columns, rows = aligned(window, block, size)
    assert left % block[0] == top % block[1] == 0
    assert left <= window[0]
    assert left + columns >= window[0] + width
    for end, edge, limit in zip((left + columns, top + rows), block, size, strict=True):
        assert end == limit or end % edge == 0
    assert columns < width + 2 * block[0]

    around_all = family(window, block, size)
    first_x, last_x, first_y, last_y = siblings(window, block, size)
    assert first_x <= window[0] <= last_x
    assert first_y <= window[1] <= last_y
    assert first_x // block[0] == last_x // block[0]
    for corner in ((first_x, first_y), (last_x, last_y)):
        inner = aligned((*corner, width, height), block, size)
        assert around_all[0] <= inner[0]
        assert around_all[1] <= inner[1]
        assert around_all[0] + around_all[2] >= inner[0] + inner[2]
        assert around_all[1] + around_all[3] >= inner[1] + inner[3]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(SIZES, BLOCKS, st.integers(1, 8), st.integers(1, 8), st.data())
def test_a_snapped_window_needs_no_block_in_vain(size, block, width, height, data):
    x = data.draw(st.integers(0, size[0] - 1))
    y = data.draw(st.integers(0, size[1] - 1))
    left, top, *_ = snapped(x, y, (width, height), block, size)
    for start, place, edge, step, end in zip(
        (left, top), (x, y), (width, height), block, size, strict=True
    ):
        assert 0 <= start <= end - edge
        if start == end - edge:
            continue  # shifted in from the border
        if step <= edge:
            assert start == place // step * step
        else:
            assert start // step == (start + edge - 1) // step == place // step


def test_snapped_by_hand():
    tile, strip = (256, 256), (1000, 4)
    assert snapped(700, 300, (256, 256), tile, (1000, 1000)) == (512, 256, 256, 256)
    assert snapped(999, 300, (256, 256), tile, (1000, 1000)) == (744, 256, 256, 256)
    assert snapped(700, 303, (256, 256), strip, (1000, 1000)) == (512, 300, 256, 256)
    # Two whole windows of 100 in a block of 256, the second one up to its end.
    assert snapped(250, 0, (100, 100), tile, (1000, 1000)) == (156, 0, 100, 100)
