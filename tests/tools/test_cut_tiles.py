import runpy
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

TOOL = Path(__file__).parents[2] / 'tools' / 'dataset_tools' / 'cut_tiles.py'


def run(*arguments):
    return subprocess.run(
        [sys.executable, str(TOOL), *map(str, arguments)],
        capture_output=True,
        text=True,
    )


def test_tiles_are_pieces_of_the_scenes(tmp_path):
    rng = np.random.default_rng(0)
    scenes = {n: rng.integers(256, size=(50, 70, 3), dtype=np.uint8) for n in 'ab'}
    folder = tmp_path / 'scenes'
    folder.mkdir()
    for name, pixels in scenes.items():
        cv2.imwrite(str(folder / f'{name}.tif'), pixels)
    out = tmp_path / 'tiles'
    result = run(folder, out, '--size', '32')
    assert result.returncode == 0, result.stderr
    tiles = sorted(out.iterdir())
    assert len(tiles) == 2 * 2 * 3
    for tile in tiles:
        name, top, left = tile.stem.split('_')
        expected = scenes[name][int(top) :, int(left) :][:32, :32]
        assert (cv2.imread(str(tile)) == expected).all()


@pytest.mark.parametrize(
    ('size', 'message'), [('64', 'expected at least 64 each way'), ('8', 'cannot read')]
)
def test_scenes_that_cannot_be_cut_are_named(tmp_path, size, message):
    cut = runpy.run_path(str(TOOL))['cut']
    file = tmp_path / 'scene.png'
    if size == '8':
        file.write_bytes(b'broken')
    else:
        cv2.imwrite(str(file), np.zeros((50, 70, 3), np.uint8))
    with pytest.raises(ValueError, match=rf"scene\.png'.*{message}|{message}.*scene"):
        cut(file, tmp_path, int(size), int(size))
