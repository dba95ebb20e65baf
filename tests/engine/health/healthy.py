"""List healthy trainings of all methods and several sizes, on images of their own.

Thresholds were chosen on the scenes of data/quickstart and seed 0; these runs see other
files and seeds.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from methods import (
    CONTRAST,
    SIDE,
    barlow_twins,
    byol,
    cmid,
    densecl,
    geokr,
    gersp,
    mae,
    moco,
    mocov3,
    simclr,
    simsiam,
    swav,
)
from trainings import (
    augment,
    folder,
    land_cover,
    masked,
    paired,
    photos,
    single,
    training,
    views,
)

TEACHER = dict(type='rsp.TeacherHook')
SEED = 1000


class Healthy(NamedTuple):
    """A training that learns, made from a folder of scenes and one of photos."""

    name: str
    model: dict
    data: Callable[[Path, Path], dict]
    options: dict = {}
    ranks: int = 1


def sgd(lr: float) -> dict:
    return dict(type='SGD', lr=lr, momentum=0.9, weight_decay=1e-4)


def config_of(number: int, scenes: Path, pictures: Path) -> dict:
    """Write the config of one of them on folders of scenes and of photos."""
    one = HEALTHY[number]
    data = one.data(scenes, pictures)
    return training(one.model, data, seed=SEED + number, **one.options)


def fine_cmid(backbone: dict, size: int = 64, **options: object) -> dict:
    """Write CMID of a transformer with patches of 8 pixels."""
    model = cmid(backbone=backbone)
    decoder = dict(type='SimMIMLinearDecoder', in_channels=size, encoder_stride=8)
    model['reconstruction'] = model['reconstruction'] | dict(decoder=decoder)
    model['local_neck'] = model['local_neck'] | options
    return model


VIT = dict(
    type='rsp.MaskedVisionTransformer',
    arch=dict(embed_dims=64, num_layers=3, num_heads=4, feedforward_channels=128),
    img_size=SIDE,
    patch_size=8,
)
SWIN = dict(
    type='rsp.MaskedSwinTransformer',
    arch=dict(embed_dims=32, depths=[2, 2], num_heads=[4, 8]),
    img_size=SIDE,
    out_indices=(1,),
    drop_path_rate=0.0,
    patch_cfg=dict(kernel_size=4, stride=4, norm_cfg=None),
    stage_cfgs=dict(block_cfgs=dict(window_size=4)),
    pytorch_init=True,
)


def scenes(where: Path, pictures: Path) -> dict:
    return folder(views(), where, '')


def strong(where: Path, pictures: Path) -> dict:
    return folder(views(augment(crop=(0.08, 1.0), jitter=0.8, gray=0.2)), where, '')


def pictures_alone(where: Path, pictures: Path) -> dict:
    return folder(views(), pictures, '')


def one_view(where: Path, pictures: Path) -> dict:
    return folder(single(), where, '')


def pairs(where: Path, pictures: Path) -> dict:
    return paired(folder(views(), where, ''), photos(pictures, ''))


def masks(where: Path, pictures: Path) -> dict:
    return masked(where, '')


def fine_masks(where: Path, pictures: Path) -> dict:
    return masked(where, '', stride=8)


def cover(where: Path, pictures: Path) -> dict:
    return land_cover(where, '')


SGD = dict(batch=64, optimizer=sgd(0.05))
MOVING = dict(hooks=(TEACHER,))
COLD = CONTRAST | dict(temperature=0.07)
LONE = dict(type='rsp.LandCoverHead', num_classes=10, consistency_weight=0.0)
HEALTHY = [
    Healthy('MoCo', moco(), scenes),
    Healthy('MoCo by SGD', moco(), scenes, SGD),
    Healthy('MoCo of this project', moco(type='rsp.MoCo'), scenes),
    Healthy('MoCo, strong views', moco(), strong),
    Healthy('MoCo, twice as wide', moco(16), scenes),
    Healthy('MoCo, ResNet-18 of full width', moco(64), scenes),
    Healthy('MoCo on photos', moco(queue_len=256), pictures_alone),
    Healthy('DenseCL', densecl(), scenes),
    Healthy('MoCo v3, ViT', mocov3(), scenes),
    Healthy('SimCLR', simclr(), scenes, dict(batch=64)),
    Healthy('SimCLR by SGD', simclr(), scenes, SGD),
    Healthy('BYOL', byol(), scenes),
    Healthy('SimSiam', simsiam(), scenes),
    Healthy('SimSiam by SGD', simsiam(), scenes, SGD),
    Healthy('Barlow Twins', barlow_twins(), scenes),
    Healthy('SwAV', swav(), scenes),
    Healthy('MAE, ViT', mae(), one_view),
    Healthy('GeRSP', gersp(), pairs),
    Healthy('GeRSP, twice as wide', gersp(16, head=COLD), pairs, dict(lr=5e-4)),
    Healthy('CMID, ResNet', cmid(), masks, MOVING),
    Healthy('CMID, ViT', fine_cmid(VIT, norm_cfg=None), fine_masks, MOVING),
    Healthy('CMID, Swin', fine_cmid(SWIN), fine_masks, MOVING),
    Healthy('GeoKR', geokr(), cover, MOVING),
    Healthy('GeoKR without a teacher', geokr(head=LONE), cover),
    Healthy('MoCo on two processes', moco(), scenes, dict(), 2),
]
