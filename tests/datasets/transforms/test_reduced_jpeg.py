"""JPEGs decoded at about the size that is needed."""

import cv2
import numpy as np
import pytest
from PIL import Image

from rsp.datasets.transforms import LoadImageFromFile


@pytest.fixture
def file(tmp_path):
    y, x = np.mgrid[:210, :330] / 30
    image = np.rint(
        127 + 120 * np.stack([np.sin(x + k) * np.cos(y) for k in range(3)], 2)
    )
    Image.fromarray(image.astype(np.uint8)).save(tmp_path / 'a.jpg', quality=95)
    return str(tmp_path / 'a.jpg')


@pytest.mark.parametrize(
    ('min_size', 'reduction'), [(26, 8), (27, 4), (52, 4), (53, 2), (105, 2), (106, 1)]
)
def test_both_edges_keep_the_size(file, min_size, reduction):
    whole = LoadImageFromFile()(dict(img_path=file))
    loaded = LoadImageFromFile(min_size=min_size)(dict(img_path=file))
    height, width = -(-210 // reduction), -(-330 // reduction)
    assert loaded['img'].shape == (height, width, 3)
    assert loaded['img_shape'] == (height, width)
    assert loaded['ori_shape'] == (210, 330)
    assert loaded['reduction'] == reduction
    inner = whole['img'][: 210 // reduction * reduction, : 330 // reduction * reduction]
    expected = cv2.resize(
        inner, (330 // reduction, 210 // reduction), interpolation=cv2.INTER_AREA
    )
    got = loaded['img'][: expected.shape[0], : expected.shape[1]].astype(float)
    assert np.abs(got - expected).mean() < 1.5


def test_other_files_and_other_readings_are_whole(file, tmp_path):
    Image.open(file).save(tmp_path / 'a.png')
    loaded = LoadImageFromFile(min_size=20)(dict(img_path=str(tmp_path / 'a.png')))
    assert loaded['img'].shape == (210, 330, 3)
    assert 'reduction' not in loaded
    for options in (dict(bands=[1]), dict(color_type='grayscale')):
        loaded = LoadImageFromFile(min_size=20, **options)(dict(img_path=file))
        assert loaded['img'].shape[:2] == (210, 330)
    # What is shown of an image, and asked for by its size, is whole.
    assert LoadImageFromFile(min_size=20).read(file).shape == (210, 330, 3)
