"""Backbones of 13 bands: read in their unit, seen in true colors."""

import json

import numpy as np
import pytest
from PIL import Image

from rsp.cli import main
from rsp.evaluation.analysis.backbones import load_encoders
from rsp.evaluation.analysis.images import open_images

rasterio = pytest.importorskip('rasterio', reason="needs the 'geo' extra")

BANDS = [*(f'B{n:02}' for n in range(1, 9)), 'B8A', 'B09', 'B10', 'B11', 'B12']
TRUE = 'bands B04, B03, B02 as red, green, blue, 2nd to 98th percentile of each image'
CONFIG = f"""
bands = {BANDS}
data_preprocessor = dict(mean={[0.1] * 13}, std={[0.2] * 13}, to_rgb=False)
train_dataloader = dict(dataset=dict(
    type='rsp.SceneDataset', reflectance=dict(scale=1e-4, value_range=(0, 1))))
"""


@pytest.fixture
def backbone(write_backbone):
    return write_backbone(name='s2', bands=13, cfg=CONFIG)


@pytest.fixture
def scenes(write_scene, tmp_path):
    """Write scenes in two class folders, 13 named bands of 16 bits."""
    rng = np.random.default_rng(0)
    for number in range(8):
        pixels = rng.integers(1, 9000, (13, 40, 32)).astype(np.uint16)
        file = write_scene(f'scenes/{"ab"[number % 2]}/{number}.tif', pixels=pixels)
        with rasterio.open(file, 'r+') as opened:
            opened.descriptions = BANDS
    return str(tmp_path / 'scenes')


def test_images_are_read_in_the_unit_of_the_training(backbone, scenes):
    [encoder] = load_encoders([backbone])
    images = open_images(scenes)
    read = encoder.read(images, 0)
    with rasterio.open(images.paths[0]) as opened:
        stored = opened.read()
    np.testing.assert_array_equal(read, stored.transpose(1, 2, 0) * np.float32(1e-4))
    expected = (stored * np.float32(1e-4) - np.float32(0.1)) / np.float32(0.2)
    np.testing.assert_allclose(encoder.prepare([read])[0], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ('what', 'options'),
    [
        ('cam', ('--target', 'probe')),
        ('neighbors', ('--neighbors', '2')),
        ('correspondence', ('--size', '64')),
    ],
)
def test_pictures_are_in_true_colors_and_say_so(
    what, options, backbone, write_backbone, scenes, tmp_path, capsys
):
    line = [what, backbone, write_backbone(), '--data', scenes, '--num-images', '1']
    main('analyze', argv=[*line, '--out', str(tmp_path), *options])
    found = json.loads((tmp_path / f'{what}.json').read_text())
    assert found['colors'] == TRUE
    assert f'resnet, of 8-bit colors, will see what the pictures show: {TRUE}.' in (
        capsys.readouterr().err
    )


def test_plain_colors_need_no_word(backbone, scenes, write_images, tmp_path):
    folder = write_images('plain', ['a.png'], (32, 32))
    assert open_images(str(folder)).caption() == ''
    pixels = np.zeros((32, 32, 3), np.uint8)
    Image.fromarray(pixels).save(folder / 'a.tif')
    (folder / 'a.png').unlink()
    assert open_images(str(folder)).caption() == ''


def test_other_bands_are_refused_in_one_line(
    backbone, scenes, write_backbone, write_images
):
    folder = str(write_images('plain', ['a.png', 'b.png'], (32, 32)))
    with pytest.raises(SystemExit, match=r"13 bands, as '.*' takes, got 3") as ended:
        main('analyze', argv=['cam', backbone, '--data', folder])
    assert '\n' not in str(ended.value)
    with pytest.raises(SystemExit, match='a backbone of 8-bit red, green and blue'):
        main('analyze', argv=['embed', backbone, '--data', scenes])
    bare = write_backbone(name='bare', bands=13)
    with pytest.raises(SystemExit, match='mean and deviation of 13 bands'):
        main('analyze', argv=['cam', bare, '--data', scenes])
