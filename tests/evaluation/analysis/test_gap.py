"""rsp analyze gap: photos and scenes apart, and the same images together."""

import json

import numpy as np
from PIL import Image

from rsp.cli import main


def write(folder, low, count=12):
    rng = np.random.default_rng(low)
    folder.mkdir()
    for number in range(count):
        pixels = rng.integers(low, low + 100, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f'{number}.png')


def test_sets_of_another_brightness_are_apart_and_of_the_same_one_are_not(
    write_backbone, tmp_path
):
    for name, low in (('dark', 0), ('light', 150), ('night', 1)):
        write(tmp_path / name, low)
    found = {}
    for photos in ('light', 'night'):
        out = tmp_path / f'out_{photos}'
        main('analyze', argv=['gap', write_backbone(), write_backbone(name='other'),
                              '--data', str(tmp_path / 'dark'), '--size', '32',
                              '--photos', str(tmp_path / photos),
                              '--out', str(out)])  # fmt: skip
        first, second = json.loads((out / 'gap.json').read_text())['backbones']
        # The same weights under two names.
        assert first['stages'] == second['stages']
        assert first['stages']['stage4']['cka_scenes'] == 1
        found[photos] = first['stages']['stem']
    assert found['light']['separability'] == 100
    assert found['night']['separability'] < 90
    assert found['light']['frechet'] > found['night']['frechet']
