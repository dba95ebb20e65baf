import pickle

import numpy as np
import pytest

from rsp.geo.scene_index import SceneIndex
from rsp.geo.valid_area import ValidArea


@pytest.fixture
def area(write_scene, tmp_path):
    """A whole scene, one with a hole read at full size, one read at a third."""
    write_scene('s/a.tif', 30, 20)
    hole = np.full((2, 30, 40), 5, np.uint8)
    hole[:, 10:20, 5:35] = 0
    write_scene('s/b.tif', pixels=hole)
    half = np.full((2, 770, 70), 5, np.uint8)
    half[:, :, 30:] = 0
    write_scene('s/c.tif', pixels=half)
    return ValidArea(SceneIndex.build(tmp_path / 's').scenes)


def test_every_valid_pixel_is_one_place(area):
    assert [scene.decimation for scene in area.scenes] == [1, 1, 3]
    assert area.pixels.tolist() == [600, 1200 - 300, 770 * 30]
    assert area.shares.sum() == pytest.approx(1)
    assert area.starts.tolist() == [0, 600, 1500]
    places = [area.place(number) for number in range(area.total)]
    assert len(set(places)) == area.total
    for scene, row, column in places:
        facts = area.scenes[scene]
        assert 0 <= column < facts.width
        assert 0 <= row < facts.height
        assert scene != 1 or not (10 <= row < 20 and 5 <= column < 35)
        assert scene != 2 or column < 30


def test_places_survive_pickling(area):
    copy = pickle.loads(pickle.dumps(area))
    numbers = range(0, area.total, 997)
    assert [copy.place(n) for n in numbers] == [area.place(n) for n in numbers]


def test_scenes_without_data_are_refused(write_scene, tmp_path):
    write_scene('s/a.tif', pixels=np.zeros((1, 9, 9), np.uint8))
    with pytest.raises(ValueError, match='all 1 are no-data'):
        ValidArea(SceneIndex.build(tmp_path / 's').scenes)
