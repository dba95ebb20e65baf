from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsp.datasets import SceneDataset
from rsp.datasets.samplers.protocol import BatchShape
from rsp.datasets.samplers.shared_reads import (
    CHUNK,
    CODES,
    most_of,
    parts_of,
    region_of,
    share_reads,
    windows_of,
)
from rsp.geo.windows.blocks import count_blocks
from rsp.geo.windows.window import Window


def scene(height, width, block, compression='DEFLATE'):
    return SimpleNamespace(
        height=height, width=width, block=block, compression=compression
    )


TILES = scene(100, 130, (16, 16))
ROWS = scene(100, 130, (1, 130))


def test_codes_name_each_part_of_each_number():
    parts = [parts_of(code) for code in range(CODES)]
    assert parts == [(n, part) for n in range(1, 9) for part in range(n)]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 9), st.integers(1, 2 * CHUNK + 3), st.integers(0, 99))
def test_scenes_of_a_batch_stay_and_groups_are_of_one_scene(num, items, seed):
    rng = np.random.default_rng(seed)
    scenes = rng.integers(num, size=(3, items))
    # Places tell their scene: 1000 per scene, all different.
    places = scenes * 1000 + np.arange(3 * items).reshape(3, items)
    most = rng.choice([1, 4, 8], num)
    new, codes = share_reads(scenes, places, most)
    for batch in range(3):
        for first in range(0, items, CHUNK):
            chunk = slice(first, first + CHUNK)
            before = np.sort(scenes[batch, chunk])
            np.testing.assert_array_equal(np.sort(new[batch, chunk] // 1000), before)
            position = first
            while position < min(first + CHUNK, items):
                number, part = parts_of(int(codes[batch, position]))
                assert part == 0
                group = slice(position, position + number)
                assert len(set(new[batch, group])) == 1
                assert new[batch, position] in places[batch, chunk]
                wanted = [(number, k) for k in range(number)]
                assert [parts_of(int(c)) for c in codes[batch, group]] == wanted
                assert number <= most[new[batch, position] // 1000]
                position += number
    alone = most[scenes] == 1
    assert np.isin(places[alone], new[codes == 0]).all()


def test_a_scene_is_shared_by_fours_and_the_rest():
    scenes = np.zeros((1, 11), np.int64)
    places = np.arange(11)[None]
    new, codes = share_reads(scenes, places, np.array([4]))
    assert new.tolist() == [[0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8]]
    assert codes.tolist() == [[6, 7, 8, 9, 6, 7, 8, 9, 3, 4, 5]]


@pytest.mark.parametrize(
    ('facts', 'number'), [(TILES, 2), (TILES, 3), (TILES, 4), (ROWS, 3), (ROWS, 4)]
)
def test_windows_of_a_read_do_not_overlap_and_are_in_its_region(facts, number):
    size = (20, 25)
    assert most_of(facts, size) == 4
    seen = np.zeros((facts.height, facts.width), int)
    tops, lefts = facts.height - size[0] + 1, facts.width - size[1] + 1
    for top in range(tops):
        for left in range(lefts):
            windows = windows_of(Window(top, left, *size), number, facts)
            canvas = np.zeros((facts.height, facts.width), int)
            for which, window in enumerate(windows):
                assert window.is_inside((facts.height, facts.width))
                canvas[window.slices] += 1
                region = region_of(windows, which, facts)
                assert region.top <= window.top
                assert region.left <= window.left
                assert region.bottom >= window.bottom
                assert region.right >= window.right
                blocks = sum(count_blocks(w, facts.block) for w in windows)
                assert count_blocks(region, facts.block) <= blocks
                seen[window.top, window.left] += 1
            assert canvas.max() == 1
    # As many windows begin at each pixel as first windows do: none is preferred.
    assert (seen[:tops, :lefts] == number).all()


def test_two_by_two_windows_need_nine_tiles_in_place_of_sixteen():
    first = Window(5, 7, 16, 16)
    windows = windows_of(first, 4, scene(160, 160, (16, 16)))
    assert {(w.top, w.left) for w in windows} == {(5, 7), (5, 23), (21, 7), (21, 23)}
    region = region_of(windows, 0, scene(160, 160, (16, 16)))
    assert region == (5, 7, 32, 32)
    assert count_blocks(region, (16, 16)) == 9
    assert [count_blocks(w, (16, 16)) for w in windows] == [4] * 4


@pytest.mark.parametrize(
    ('facts', 'most'),
    [
        (scene(60, 80, (16, 16)), 4),
        (scene(59, 80, (16, 16)), 1),
        (scene(60, 79, (16, 16)), 1),
        (scene(20, 190, (1, 190)), 8),
        (scene(20, 179, (1, 179)), 8),
        (scene(20, 178, (1, 178)), 7),
        (scene(20, 59, (4, 59)), 2),
        (scene(20, 38, (1, 38)), 1),
        (scene(60, 80, (16, 16), None), 1),
    ],
)
def test_only_compressed_scenes_with_room_share(facts, most):
    assert most_of(facts, (20, 20)) == most


@pytest.fixture
def deflated(write_scene, tmp_path):
    rng = np.random.default_rng(0)
    for name, width in (('a', 130), ('b', 170)):
        pixels = rng.integers(1, 255, (3, 100, width), np.uint8)
        options = dict(tiled=True, blockxsize=16, blockysize=16, compress='deflate')
        write_scene(f's/{name}.tif', pixels=pixels, **options)
    return tmp_path / 's'


def sampled(folder, **options):
    return SceneDataset(folder, dict(size=16, length=96, **options), stretch=None)


def test_by_default_compressed_scenes_share_and_hold_the_same_pixels(deflated):
    dataset = sampled(deflated)
    rng = np.random.default_rng(3)
    numbers = dataset.sample_indices(rng, BatchShape(32, 1))[:, 0].tolist()
    queries = dataset.sampler.plan(numbers)
    assert len({query.region for query in queries}) < 0.7 * len(queries)
    alone = sampled(deflated, windows_per_read=1)
    for number in numbers:
        results = dataset.get_data_info(number)
        scene = [s.path for s in dataset.images.scenes].index(results['img_path'][-5:])
        image, _ = alone.images.image(scene, results['window'])
        np.testing.assert_array_equal(results['img'], image)


def test_a_batch_has_each_scene_as_often_as_without_sharing(deflated):
    drawn = []
    for options in ({}, dict(windows_per_read=1)):
        dataset = sampled(deflated, **options)
        numbers = dataset.sample_indices(np.random.default_rng(1), BatchShape(16, 2))
        queries = [dataset.sampler.draw(int(n), None) for n in numbers[:, 0]]
        scenes = np.array([query.scene for query in queries]).reshape(-1, 32)
        drawn.append(np.sort(scenes, axis=1))
    np.testing.assert_array_equal(*drawn)


def test_any_number_of_processes_draws_the_same_epoch(deflated):
    dataset = sampled(deflated)
    drawn = [
        dataset.sample_indices(np.random.default_rng(2), BatchShape(32 // n, n))
        for n in (1, 2, 4, 8)
    ]
    for other in drawn[1:]:
        np.testing.assert_array_equal(drawn[0], other)


def test_nothing_is_shared_where_the_batch_is_not_known(deflated):
    dataset = sampled(deflated)
    numbers = dataset.sample_indices(np.random.default_rng(2))[:, 0]
    assert (numbers < len(dataset) + dataset.sampler.area.total).all()
