"""Scenes of one ground and grid at other times, by their pixels' places."""

import numpy as np
import pytest

pytest.importorskip('rasterio', reason="needs the 'geo' extra")

# isort: split
from affine import Affine

from rsp.geo.scene_index import SceneIndex
from rsp.geo.time_series import OtherTime, other_times, time_of
from rsp.geo.windows.window import Window


def grid(left=0.0, top=0.0, size=10.0):
    """Return a north-up grid, moved by pixels of 10 m."""
    return Affine(size, 0, 500_000 + 10 * left, 0, -size, 5_000_000 - 10 * top)


@pytest.fixture
def index(write_scene, tmp_path):
    """Return a function that indexes scenes of 80 x 100 pixels, given by transform."""

    def make(**transforms):
        for name, transform in transforms.items():
            write_scene(f's/{name}.tif', transform=transform)
        return SceneIndex.build(tmp_path / 's').scenes

    return make


def test_another_date_is_found_with_its_shift(index):
    scenes = index(a_20200101=grid(), b_20200601=grid(left=30, top=-20))
    first, second = other_times(scenes)
    assert first == (OtherTime(1, 20, -30),)
    assert second == (OtherTime(0, -20, 30),)
    # One ground: the corner of a window is at the same place on the map.
    window = Window(10, 40, 8, 8)
    there = first[0].window(window, scenes[1].shape)
    for scene, box in ((scenes[0], window), (scenes[1], there)):
        x, y = Affine(*scene.transform) @ (box.left, box.top)
        assert (x, y) == (500_400, 4_999_900)
    # And back.
    assert second[0].window(there, scenes[0].shape) == window
    assert first[0].window(Window(10, 20, 8, 8), scenes[1].shape) is None
    assert first[0].window(Window(75, 40, 8, 8), scenes[1].shape) is None


@pytest.mark.parametrize(
    'other',
    [
        dict(b_20200101=grid()),  # the same day
        dict(b=grid()),  # no date
        dict(b_20200601=grid(left=200)),  # beside it
        dict(b_20200601=grid(size=10.05)),  # drifts by half a pixel in a hundred
        dict(b_20200601=grid(size=20)),
        dict(b_20200601=grid() @ Affine.rotation(1)),
    ],
    ids=['same day', 'no date', 'beside', 'drifts', 'coarser', 'turned'],
)
def test_what_is_no_other_date_of_the_grid_is_left_out(index, other):
    assert other_times(index(a_20200101=grid(), **other)) == [(), ()]


def test_grids_are_one_to_half_a_pixel(index):
    scenes = index(a_20200101=grid(), b_20200601=grid(left=3.4, top=0.4))
    assert other_times(scenes)[0] == (OtherTime(1, 0, -3),)


def test_so_much_has_to_be_shown_by_both(index):
    scenes = index(a_20200101=grid(), b_20200601=grid(left=90))
    assert other_times(scenes, (80, 10))[0]
    assert other_times(scenes, (80, 11)) == [(), ()]
    assert other_times(scenes, (81, 10)) == [(), ()]


def test_a_year_in_the_name_is_a_time(index):
    scenes = index(peru_1985=grid(), peru_2020=grid(), both_1985_2020=grid())
    assert {s.path: time_of(s) for s in scenes} == {
        'peru_1985.tif': '1985', 'peru_2020.tif': '2020', 'both_1985_2020.tif': None
    }  # fmt: skip
    assert np.array_equal([len(others) for others in other_times(scenes)], [0, 1, 1])
