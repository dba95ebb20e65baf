"""Share small backbones on disk, and small sets of images."""

import pytest
import torch
from mmengine.registry import MODELS, DefaultScope

RESNET = dict(type='ResNet', depth=18, stem_channels=8, base_channels=8)
SWIN = dict(
    type='SwinTransformer',
    arch=dict(embed_dims=16, depths=[2, 2, 2, 2], num_heads=[1, 2, 4, 8]),
    window_size=2,
    img_size=64,
)
VIT = dict(
    type='VisionTransformer',
    arch=dict(embed_dims=64, num_layers=4, num_heads=1, feedforward_channels=64),
    img_size=64,
    patch_size=16,
)
NETWORKS = dict(resnet=RESNET, swin=SWIN, vit=VIT)


@pytest.fixture
def write_backbone(tmp_path):
    """Return a function that saves a small untrained backbone as an export of ours."""

    def write(kind='resnet', name='', bands=3, **meta):
        torch.manual_seed(len(kind))
        with DefaultScope.overwrite_default_scope('mmpretrain'):
            network = MODELS.build(NETWORKS[kind] | dict(in_channels=bands))
        state = {f'backbone.{n}': t for n, t in network.state_dict().items()}
        file = tmp_path / f'{name or kind}.pth'
        torch.save(dict(state_dict=state, meta=meta), file)
        return str(file)

    return write


@pytest.fixture
def write_classes(write_images, tmp_path):
    """Return a function that writes images of two classes, for fit and test."""

    def write(count=8, size=(32, 32), classes=('dark', 'light')):
        for split in ('train', 'val'):
            for name in classes:
                names = [f'{name}_{i}.png' for i in range(count)]
                write_images(f'data/{split}/{name}', names, size)
        return str(tmp_path / 'data')

    return write
