"""Temporal positives: both views show the same ground, at two dates."""

from itertools import pairwise

import numpy as np
import pytest

from rsp.datasets import SampleIndex
from rsp.errors import UserError

pytest.importorskip('rasterio', reason="needs the 'geo' extra")

# isort: split
from affine import Affine

from rsp.datasets import TemporalSceneDataset

SIZE, SHIFT = 16, (5, 12)
VIEWS = dict(
    type='rsp.MultiView',
    # As it is.
    transforms=[[dict(type='Resize', scale=(SIZE, SIZE))]],
    num_views=2,
)


@pytest.fixture
def series(write_scene):
    """Two dates; red and green are a pixel's place on the ground, blue the date."""
    height, width = 60, 90
    for name, (top, left), date in (
        ('a_20200101', (0, 0), 50), ('b_20200701', SHIFT, 200),
    ):  # fmt: skip
        pixels = np.empty((3, height, width), np.uint8)
        pixels[0] = left + np.arange(width) + 1
        pixels[1] = top + np.arange(height)[:, None] + 1
        pixels[2] = date
        transform = Affine(10, 0, 5e5 + 10 * left, 0, -10, 5e6 - 10 * top)
        file = write_scene(f's/{name}.tif', pixels=pixels, transform=transform)
    return file.parent


def build(folder, pipeline=(VIEWS,), **options):
    options = dict(windows=SIZE, stretch=None) | options
    root = folder if isinstance(folder, list) else str(folder)
    return TemporalSceneDataset(root, pipeline=list(pipeline), **options)


def test_a_pair_is_the_same_ground_at_two_dates(series):
    dataset = build(series)
    numbers = dataset.sample_indices(np.random.default_rng(0), num_items=40)[:, 0]
    firsts = set()
    for number, item in enumerate(dataset.__getitems__(
        [SampleIndex((int(n),), seed) for seed, n in enumerate(numbers)]
    )):  # fmt: skip
        one, other = item['img']  # BGR
        np.testing.assert_array_equal(one[..., 1:], other[..., 1:], str(number))
        assert {one[0, 0, 0], other[0, 0, 0]} == {50, 200}
        assert np.ptp(one[..., 0]) == np.ptp(other[..., 0]) == 0
        assert one.shape == (SIZE, SIZE, 3)
        firsts.add(int(one[0, 0, 0]))
        assert item['other_paths'] != [item['img_path']]
    # Either date comes first.
    assert firsts == {50, 200}


def test_pairs_follow_from_the_seed(series):
    sample = SampleIndex((3,), 7)
    first, again = build(series)[sample], build(series)[sample]
    for one, other in zip(first['img'], again['img'], strict=True):
        np.testing.assert_array_equal(one, other)


def test_of_three_dates_each_is_drawn(series, write_scene):
    pixels = np.full((3, 60, 90), 120, np.uint8)
    write_scene('s/c_20210101.tif', pixels=pixels)
    dataset = build(series)
    seen = set()
    for seed in range(60):
        item = dataset[SampleIndex((seed % len(dataset),), seed)]
        dates = [p[0][-14:-4] for p in ([item['img_path']], item['other_paths'])]
        assert dates[0] != dates[1]
        seen.add(tuple(dates))
    assert len(seen) == 6


def test_a_window_without_data_at_the_other_date_is_drawn_again(series, write_scene):
    pixels = np.full((3, 60, 90), 120, np.uint8)
    pixels[:, :, 45:] = 0
    write_scene('t/a_20200101.tif', pixels=pixels)
    file = write_scene('t/b_20200701.tif', pixels=np.full_like(pixels, 90))
    dataset = build(file.parent)
    for seed in range(30):
        item = dataset[SampleIndex((seed % len(dataset),), seed)]
        for view in item['img']:
            assert (view == 0).all(2).mean() <= 0.1


def test_floats_come_in_pairs_too(series):
    item = build(series, stretch={}, reflectance=dict(scale=1e-2))[SampleIndex((0,), 0)]
    one, other = item['img']
    np.testing.assert_array_equal(one[..., 1:], other[..., 1:])
    assert not np.array_equal(one[..., 0], other[..., 0])


def test_scenes_of_one_date_are_left_out(series, write_scene):
    write_scene('s/c_20200301.tif', crs='EPSG:32634')
    assert build(series).num_files == 2


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(windows=dict(type='rsp.GridWindowSampler', size=16)), 'random windows'),
        (dict(pipeline=[]), 'rsp.MultiView of two views'),
        (dict(pipeline=[VIEWS | dict(num_views=1)]), 'rsp.MultiView of two views'),
        (dict(windows=56), 'at two dates'),
    ],
)  # fmt: skip
def test_what_makes_no_pairs_is_refused(series, options, message):
    with pytest.raises(UserError, match=message):
        build(series, **options)


def test_thirty_five_years_of_a_river(unpack):
    """Landsat scenes of one place in Peru, a year in each name."""
    folder = unpack('open/geotiff.tar') / 'scenes'
    dataset = build(
        [str(folder / f'landsat_peru_{year}.tif') for year in (1985, 2020)],
        windows=64,
        stretch={},
        pipeline=[VIEWS | dict(transforms=[[dict(type='Resize', scale=(64, 64))]])],
    )
    assert dataset.num_files == 2
    same, other = [], []
    items = [dataset[SampleIndex((n % len(dataset),), n)] for n in range(24)]
    for item, next_item in pairwise(items):
        one, there = (view.mean(2).ravel() for view in item['img'])
        same.append(np.corrcoef(one, there)[0, 1])
        other.append(np.corrcoef(one, next_item['img'][1].mean(2).ravel())[0, 1])
    # A place is more like itself, decades later, than like another one.
    assert np.median(same) > np.median(other) + 0.2
