import cv2
import numpy as np
import pytest

from rsp.cli import main
from rsp.prepare.tile.images import tile_image


def test_tiles_are_pieces_of_the_scenes(tmp_path, capsys):
    rng = np.random.default_rng(0)
    scenes = {n: rng.integers(256, size=(50, 70, 3), dtype=np.uint8) for n in 'ab'}
    folder = tmp_path / 'scenes'
    folder.mkdir()
    for name, pixels in scenes.items():
        cv2.imwrite(str(folder / f'{name}.tif'), pixels)
    out = tmp_path / 'tiles'
    main('prepare tile-images', argv=[str(folder), str(out), '--size', '32'])
    assert '12 tiles of 2 scenes' in capsys.readouterr().out
    tiles = sorted(out.iterdir())
    assert len(tiles) == 2 * 2 * 3
    for tile in tiles:
        name, top, left = tile.stem.split('_')
        expected = scenes[name][int(top) :, int(left) :][:32, :32]
        assert (cv2.imread(str(tile)) == expected).all()


@pytest.mark.parametrize(
    ('size', 'message'), [(64, 'expected at least 64 each way'), (8, 'cannot read')]
)
def test_scenes_that_cannot_be_cut_are_named(tmp_path, size, message):
    file = tmp_path / 'scene.png'
    if size == 8:
        file.write_bytes(b'broken')
    else:
        cv2.imwrite(str(file), np.zeros((50, 70, 3), np.uint8))
    with pytest.raises(ValueError, match=rf"scene\.png'.*{message}|{message}.*scene"):
        tile_image(file, tmp_path, size, size)


def test_a_folder_without_images_ends_in_one_line(tmp_path):
    for place, message in ((tmp_path, 'images in'), (tmp_path / 'a', 'a folder of')):
        with pytest.raises(SystemExit, match=f'^error: expected {message}'):
            main('prepare tile-images', argv=[str(place), str(tmp_path / 'out')])
