"""Statistics of images are those of the pixels that training reads."""

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image
from tiffs import write_tiff

from rsp.datasets import ImageFolder
from rsp.prepare.folder import prepare
from rsp.prepare.generate.options import Options

COLORS = np.random.default_rng(0).integers(0, 250, (40, 50, 3), np.uint8)
COLORS[:10] = 0  # Black, which no color says is no data.
LEFT = np.full((40, 50, 1), 255, np.uint8)
LEFT[:, :20] = 0
FEW = COLORS[..., 0] // 16


def save(pixels, mode=None, **options):
    return lambda file: Image.fromarray(pixels, mode).save(file, **options)


def palette(**options):
    def write(file):
        image = Image.fromarray(FEW, 'P')
        image.putpalette([n * 7 % 256 for n in range(48)])
        image.save(file, **options)

    return write


@pytest.mark.filterwarnings('ignore::rasterio.errors.NotGeoreferencedWarning')
@pytest.mark.parametrize(
    ('name', 'write'),
    [
        ('rgb.png', save(COLORS)),
        ('gray.png', save(COLORS[..., 0])),
        ('alpha.png', save(np.dstack([COLORS, LEFT]))),
        ('gray_alpha.png', save(np.dstack([COLORS[..., :1], LEFT]), 'LA')),
        ('palette.png', palette()),
        ('palette_4_bits.png', palette(bits=4)),
        ('palette_clear.png', palette(transparency=5)),
        ('one_bit.png', save(COLORS[..., 0] > 90)),
        ('rgb.jpg', save(COLORS)),
        ('cmyk.jpg', lambda f: Image.fromarray(COLORS).convert('CMYK').save(f)),
        ('four_bits.tif', lambda f: write_tiff(
            f, FEW[None], nbits=4, crs=None, transform=None)),
        ('white.tif', lambda f: write_tiff(
            f, COLORS[None, ..., 0], photometric='MINISWHITE', crs=None,
            transform=None)),
    ],
)  # fmt: skip
def test_a_drafted_config_has_the_statistics_of_what_is_read(tmp_path, name, write):
    folder, out = tmp_path / 'in', tmp_path / 'out'
    folder.mkdir()
    write(folder / name)
    prepare(folder, out, Options('cmid'), workers=0)
    cfg = Config.fromfile(out / 'cmid.py')
    assert cfg.train_dataloader.dataset.dataset.type == 'rsp.ImageFolder'
    pipeline = [dict(type='rsp.LoadImageFromFile')]
    data = ImageFolder(str(folder), with_label=False, pipeline=pipeline)
    pixels = data[0]['img'][..., ::-1].reshape(-1, 3).astype(float)
    np.testing.assert_allclose(cfg.data_preprocessor.mean, pixels.mean(0), rtol=1e-5)
    np.testing.assert_allclose(cfg.data_preprocessor.std, pixels.std(0), rtol=1e-5)


def test_sixteen_bits_are_stretched_and_measured_as_scenes(tmp_path):
    folder, out = tmp_path / 'in', tmp_path / 'out'
    folder.mkdir()
    for seed in range(2):
        noise = np.random.default_rng(seed).integers(300, 3000, (80, 80, 3))
        cv2.imwrite(str(folder / f'{seed}.png'), noise.astype(np.uint16))
    prepare(folder, out, Options('cmid', window=64), workers=0)
    cfg = Config.fromfile(out / 'cmid.py')
    assert cfg.train_dataloader.dataset.type == 'rsp.SceneDataset'
    assert all(110 < mean < 145 for mean in cfg.data_preprocessor.mean)
