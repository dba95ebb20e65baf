"""Ground that is in a folder twice, against what is known of how it was laid out."""

import time
from dataclasses import replace

import numpy as np
import pytest
import scenes as ground
import shapely

from rsp.geo.overlaps import (
    Ground,
    find_repeats,
    outline_of,
    repeats_of_scenes,
)
from rsp.geo.scene_index import SceneIndex


def box(west, south, width, height=None):
    east, north = west + width, south + (height or width)
    corners = [(west, south), (east, south), (east, north), (west, north)]
    return outline_of(np.array(corners, float))


def found(*grounds):
    repeats = find_repeats(grounds)
    return {frozenset(pair) for pair in repeats.twice}, repeats


def test_a_mosaic_beside_its_tiles():
    tiles = [Ground(f't/{n}.tif', box(n % 2, n // 2, 1)) for n in range(4)]
    pairs, repeats = found(*tiles, Ground('mosaic.tif', box(0, 0, 2)))
    assert pairs == {frozenset((f't/{n}.tif', 'mosaic.tif')) for n in range(4)}
    assert repeats.share == pytest.approx(1)
    (line,) = repeats.sentences()
    assert line.startswith('100% of the ground is there twice, in 5 files')


def test_the_share_is_that_of_the_ground():
    """A copy of one of five tiles of equal area, far north and at the equator."""
    tiles = [Ground(f'{n}.tif', box(2 * n, 0, 1)) for n in range(4)]
    band = np.sin(np.radians(1)) / np.radians(1)  # of the tile's height
    south = np.degrees(np.arcsin(0.9))
    north = np.degrees(np.arcsin(0.9 + np.radians(1) * band))
    tiles.append(Ground('north.tif', box(50, south, 1, north - south)))
    copy = Ground('copy.jp2', box(50, south, 1, north - south))
    pairs, repeats = found(*tiles, copy)
    assert pairs == {frozenset(('north.tif', 'copy.jp2'))}
    assert repeats.share == pytest.approx(0.2)


@pytest.mark.parametrize(('overlap', 'told'), [(0.1, False), (0.4, False), (0.6, True)])
def test_neighbors_overlap_a_little(overlap, told):
    tiles = [Ground(f'{n}.tif', box(n * (1 - overlap), 0, 1)) for n in range(5)]
    pairs, repeats = found(*tiles)
    assert bool(pairs) == told
    assert bool([*repeats.sentences()]) == told


@pytest.mark.parametrize(
    'change',
    [
        dict(date='2021-06-01'),
        dict(path='s_2021.tif', date=None),
        dict(path='other.tif', date=None, pixels=(9.0, 1.0)),
    ],
)
def test_a_time_series_is_told_as_such(change):
    first = Ground('s_2020.tif', box(0, 0, 1), '2020-06-01', (5.0, 1.0))
    if 'pixels' in change:
        first = replace(first, path='some.tif')
    pairs, repeats = found(first, replace(first, **dict(path='x.tif') | change))
    assert not pairs
    (line,) = repeats.sentences()
    assert line.startswith('2 files show the same places at different times')


def test_one_scene_in_two_formats_and_bands_in_files_of_their_own():
    one = Ground('a/s.tif', box(0, 0, 1), None, (5.0, 1.0))
    assert found(one, replace(one, path='a/s.jp2', pixels=(50.0, 9.0)))[0]
    assert found(one, replace(one, path='b/copy.tif', pixels=(5.01, 1.0)))[0]
    bands = [replace(one, path=f'T33_{b}.jp2', pixels=(n,)) for n, b in
             enumerate(('B02', 'B8A', 'B11'))]  # fmt: skip
    _, repeats = found(*bands)
    assert not [*repeats.sentences()]


def test_across_longitude_180():
    copies = [
        Ground(f'{n}.tif', box(west, 0, 1)) for n, west in enumerate((179.5, -180.5))
    ]
    assert found(*copies)[0] == {frozenset(('0.tif', '1.tif'))}


def test_scenes_of_several_reference_systems(tmp_path):
    ground.sentinel2(tmp_path / 'a.tif', ground.utm_grid(200, 200))
    ground.sentinel2(tmp_path / 'turned.tif', ground.utm_grid(200, 200, rotation=-4))
    ground.aerial(tmp_path / 'degrees.tif', ground.degree_grid(200, 200))
    ground.aerial(tmp_path / 'away.tif', ground.degree_grid(200, 200, 5000))
    repeats = repeats_of_scenes(SceneIndex.build(tmp_path).scenes)
    names = {name for pair in repeats.twice for name in pair}
    assert names == {'a.tif', 'turned.tif', 'degrees.tif'}
    assert 0.3 < repeats.share < 0.5


def test_pairs_are_those_of_a_search_of_all_pairs():
    rng = np.random.default_rng(0)
    corners = rng.random((200, 2)) * 20
    sizes = rng.uniform(0.5, 4, (200, 2))
    outlines = [box(*c, *s) for c, s in zip(corners, sizes, strict=True)]
    grounds = [Ground(f'{n}.tif', o) for n, o in enumerate(outlines)]
    expected = {
        frozenset((f'{a}.tif', f'{b}.tif'))
        for a in range(200)
        for b in range(a)
        if outlines[a].intersection(outlines[b]).area
        >= 0.5 * min(outlines[a].area, outlines[b].area)
    }
    pairs, repeats = found(*grounds)
    assert pairs == expected
    assert 0 < repeats.share < 1


@pytest.mark.parametrize('layout', ['tiles', 'series'])
def test_ten_thousand_are_quick(layout):
    rng = np.random.default_rng(0)
    grounds = []
    for number in range(10_000):
        row, column = divmod(number, 100)
        if layout == 'series':
            row, column = rng.normal(0, 0.02, 2)
        outline = box(0.1 * column, 0.1 * row, 0.11)
        date = f'20{number % 80 + 10}-01-01' if layout == 'series' else None
        grounds.append(Ground(f'{number}.tif', outline, date))
    start = time.perf_counter()
    repeats = find_repeats(grounds)
    assert time.perf_counter() - start < 20
    assert bool(repeats.twice) == (layout == 'series')
    assert shapely.area(grounds[0].outline) > 0
