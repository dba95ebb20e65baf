import numpy as np
import pytest
from mmpretrain.datasets.transforms import ColorJitter as Original

from rsp.datasets.transforms import ColorJitter

RANGES = dict(brightness=0.3, contrast=0.5, saturation=0.5, hue=0.3)


def test_colors_change_as_mmpretrain_changes_them():
    pixels = np.random.default_rng(0).integers(256, size=(6, 5, 3), dtype=np.uint8)
    np.random.seed(1)
    ours = ColorJitter(**RANGES).transform(dict(img=pixels.copy()))['img']
    np.random.seed(1)
    # Whose warning at every image is not ours: warnings are errors in the tests.
    with pytest.warns(UserWarning, match="Only use 'alpha'"):
        theirs = Original(**RANGES).transform(dict(img=pixels.copy()))['img']
    assert (ours == theirs).all()
    assert (ours != pixels).any()


@pytest.mark.parametrize(
    ('pixels', 'told'),
    [
        (np.zeros((4, 4, 13), np.uint8), '13 bands of uint8'),
        (np.zeros((4, 4, 3), np.float32), '3 bands of float32'),
        (np.zeros((4, 4, 1), np.uint8), '1 bands of uint8'),
    ],
)
def test_what_has_no_colors_is_refused(pixels, told):
    with pytest.raises(ValueError, match=f"8 bits, got {told} in 'a.tif'; take it out"):
        ColorJitter(**RANGES).transform(dict(img=pixels, img_path='a.tif'))
