"""Parts of images that are sent to the device: all that the views need, and no more."""

import numpy as np
import pytest
import torch
from PIL import Image

from rsp.datasets.collate import stacked_collate
from rsp.datasets.seeding import item_seed
from rsp.datasets.transforms import PackForDevice
from rsp.datasets.views import LoadForDevice, LoadViews
from rsp.errors import UserError
from rsp.models.modules import DeviceViews
from rsp.ops.views.kernels.frames import Frame

CROP = dict(
    type='mmpretrain.RandomResizedCrop', scale=(32, 40), crop_ratio_range=(0.2, 1.0)
)
COLORS = [
    dict(type='rsp.ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.4),
    dict(type='mmcv.RandomFlip', prob=0.5),
    dict(type='rsp.GaussianNoise', prob=1.0),
]
VIEW = [CROP, *COLORS]


def picture(height, width):
    y, x = np.mgrid[:height, :width] / 40
    bands = [np.sin(x * (k + 1) + y) * np.cos(y - k) for k in range(3)]
    return Image.fromarray(np.rint(127 + 120 * np.stack(bands, 2)).astype(np.uint8))


@pytest.fixture
def paths(tmp_path):
    """JPEGs that are reduced by 8, 2 and not at all, one turned, and a PNG."""
    turn = Image.Exif()
    turn[0x0112] = 6
    cases = [
        ('large.jpg', (800, 1040), {}),
        ('middle.jpg', (200, 260), {}),
        ('small.jpg', (41, 50), {}),
        ('turned.jpg', (256, 320), dict(exif=turn)),
        ('other.png', (210, 250), {}),
    ]
    for name, size, options in cases:
        picture(*size).save(tmp_path / name, **options)
    return [str(tmp_path / name) for name, *_ in cases]


def load(transforms, path, seed):
    results = dict(img_path=path)
    with item_seed(seed):
        for transform in transforms:
            results = transform(results)
    return results


def test_views_of_parts_are_those_of_load_views(paths):
    sender = [LoadForDevice([VIEW], 2), PackForDevice()]
    seeds = range(len(paths))
    batch = stacked_collate(
        [load(sender, path, seed) for path, seed in zip(paths, seeds, strict=True)]
    )
    made = DeviceViews([VIEW], 2)(batch, training=True)['inputs']
    on_host = LoadViews([VIEW], 2)
    for number, (path, seed) in enumerate(zip(paths, seeds, strict=True)):
        for view, expected in enumerate(load([on_host], path, seed)['img']):
            expected = torch.from_numpy(expected.astype(np.float32)).permute(2, 0, 1)
            errors = (made[view][number] - expected).abs()
            assert errors.mean() < 0.8, path
            assert errors.flatten().quantile(0.99) < 4, path


def test_parts_are_reduced_and_cover_the_boxes_alone(paths):
    small = LoadForDevice([VIEW], 2)
    for seed in range(8):
        results = load([small], paths[0], seed)
        frame = results['frame']
        assert isinstance(frame, Frame)
        assert (frame.height, frame.width) == (800, 1040)
        assert frame.reduction in (4, 8)
        assert results['img'].shape == (frame.rows, frame.columns, 3)
        assert frame.top + frame.rows <= -(-800 // frame.reduction)
        assert frame.left + frame.columns <= -(-1040 // frame.reduction)
    one = load([LoadForDevice([VIEW], 1)], paths[4], 3)['img']
    assert one.shape[0] * one.shape[1] < 210 * 250


def test_other_transforms_of_the_model_are_told(paths):
    sender = [LoadForDevice([VIEW], 1), PackForDevice()]
    batch = stacked_collate([load(sender, paths[1], seed) for seed in range(4)])
    other = [CROP | dict(crop_ratio_range=(0.9, 1.0)), *COLORS]
    with pytest.raises(UserError, match=r'rsp\.LoadForDevice and of'):
        DeviceViews([other], 1)(batch, training=True)


def test_what_is_exact_is_left_to_the_host():
    with pytest.raises(UserError, match=r'take rsp\.LoadViews'):
        LoadForDevice([VIEW], 2, exact_pillow=True)
