"""Pictures and scenes agree on which pixels have data, whatever marks them."""

import numpy as np
import pytest
import rasterio
from tiffs import write_tiff

from rsp.geo.scene import read_scene
from rsp.io.images import read_picture
from rsp.io.images.color_rule import ColorRule

RGBA = ('red', 'green', 'blue', 'alpha')
COLORS = np.random.default_rng(0).integers(20, 250, (3, 60, 80), np.uint8)
LEFT = np.full((60, 80), 255, np.uint8)
LEFT[:, :30] = 0
TOP = np.full((60, 80), 255, np.uint8)
TOP[:20] = 0
# Opaque on the right, with a soft edge of 20 values.
SOFT = LEFT.copy()
SOFT[:, 30:50] = np.linspace(1, 254, 20).astype(np.uint8)
BOTH, ALL = (LEFT > 0) & (TOP > 0), np.ones((60, 80), bool)
FEW = np.where(COLORS > 150, 200, 100).astype(np.uint8)


def indices(file):
    table = {n: (50 + n, 90, 200 - n, 255) for n in range(4)}
    write_tiff(file, FEW[:1] // 100, photometric='PALETTE')
    with rasterio.open(file, 'r+') as dataset:
        dataset.write_colormap(1, table)
    mask(file, LEFT)


def mask(file, values):
    with rasterio.open(file, 'r+') as dataset:
        dataset.write_mask(values)


def alpha(*bands, of=COLORS, order=RGBA):
    return lambda file: write_tiff(file, np.stack([*of, *bands]), order)


def masked(*bands, of=COLORS, values=TOP):
    def write(file):
        alpha(*bands, of=of, order=(*RGBA, *['alpha'] * len(bands[1:])))(file)
        mask(file, values)

    return write


def blackened(values):
    return np.where(values == 0, 0, COLORS).astype(np.uint8)


@pytest.mark.parametrize(
    ('write', 'valid'),
    [
        (alpha(LEFT), LEFT > 0),
        (masked(LEFT), BOTH),
        (masked(LEFT, TOP, values=TOP), BOTH),
        (alpha(SOFT, of=blackened(SOFT)), SOFT > 0),
        # Colors go on below what is 0: infrared of water.
        (alpha(SOFT), ALL),
        (masked(SOFT, values=LEFT), LEFT > 0),
        (alpha(COLORS[0]), ALL),
        (indices, LEFT > 0),
    ],
    ids=['alpha', 'alpha-and-mask', 'two-alphas-and-mask', 'soft', 'water',
         'water-and-mask', 'infrared', 'palette-and-mask'],
)  # fmt: skip
def test_masks_of_all_kinds(tmp_path, write, valid):
    file = tmp_path / 'a.tif'
    write(file)
    np.testing.assert_array_equal(read_picture(file).pixels.any(axis=2), valid)
    scene = read_scene(file, 'a.tif')
    np.testing.assert_array_equal(scene.valid_mask, valid)


@pytest.mark.parametrize('dtype', ['int16', 'uint16', 'float32'])
@pytest.mark.parametrize('opaque', [1, 255])
def test_masks_written_by_hand_count_in_any_type(tmp_path, dtype, opaque):
    file = tmp_path / 'a.tif'
    bands = np.stack([*COLORS, (LEFT > 0) * opaque]).astype(dtype)
    write_tiff(file, bands, RGBA)
    assert read_scene(file, 'a.tif').alphas == (4,)
    picture = read_picture(file, ColorRule(stretch=(0, 255)))
    np.testing.assert_array_equal(picture.pixels.any(axis=2), LEFT > 0)
