# MoCo v2 on satellite scenes, ResNet-50, 200 epochs: the "MoCov2" rows of GeRSP's
# tables. Method: Chen et al., 2020, https://arxiv.org/abs/2003.04297.
#
# Published numbers (GeRSP, TGRS 2024, doi:10.1109/TGRS.2024.3354031; not measured by
# us, and how the authors trained this baseline is not known):
#   classification table: EuroSAT 97.52 +- 0.07, NWPU-RESISC45 91.28 +- 0.04 top-1
#   Table II, DIOR AP50:  Faster R-CNN 65.5, RetinaNet 63.4, DyHead 69.3
#   Table III, DOTA AP50, horizontal boxes: 64.2, 60.0, 62.9 with the same detectors
#   Table IV, LoveDA mIoU: PSANet 44.79, DeepLabV3+ 48.57
# Hardware: about 41 h on 8x V100 in fp32 (derived: 990,848 scenes at the rate that
#   MoCo's README gives).
# Command:
#   bash tools/dist_train.sh configs/moco/v2_r50_maid.py 8
#
# Recipe: mmpretrain's `mocov2_resnet50_8xb32-coslr-200e_in1k` on other images. Against
# v1: a hidden layer in the projector, temperature 0.2, blur, milder colors, a cosine.
# JPEGs are decoded at 1/2, 1/4 or 1/8 where the crops allow, and colors rounded once:
# `exact_pillow=True` takes Pillow's.
_base_ = ['../_base_/datasets/views.py', '../_base_/default_runtime.py']

model = dict(
    type='rsp.MoCo',
    queue_len=65536,
    feat_dim=128,
    # The share of new weights per step: the paper's m is 0.999.
    momentum=0.001,
    backbone=dict(
        type='ResNet',
        depth=50,
        norm_cfg=dict(type='BN'),
        zero_init_residual=False,
    ),
    neck=dict(
        type='MoCoV2Neck',
        in_channels=2048,
        hid_channels=2048,
        out_channels=128,
        with_avg_pool=True,
    ),
    head=dict(
        type='ContrastiveHead',
        loss=dict(type='CrossEntropyLoss'),
        temperature=0.2,
    ),
)

jitter = dict(
    type='rsp.ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1
)
view = [
    dict(
        type='RandomResizedCrop',
        scale=224,
        crop_ratio_range=(0.2, 1.0),
        backend='pillow',
    ),
    dict(type='RandomApply', transforms=[jitter], prob=0.8),
    # Images are BGR here.
    dict(
        type='RandomGrayscale',
        prob=0.2,
        keep_channels=True,
        channel_weights=(0.114, 0.587, 0.2989),
    ),
    dict(
        type='GaussianBlur',
        magnitude_range=(0.1, 2.0),
        magnitude_std='inf',
        prob=0.5,
    ),
    dict(type='RandomFlip', prob=0.5),
]
pipeline = [
    dict(type='rsp.LoadViews', num_views=2, transforms=[view]),
    dict(type='rsp.PackViews'),
]
# data/million_aid/test/**/*.jpg
train_dataloader = dict(
    batch_size=32,
    dataset=dict(
        type='rsp.ImageFolder',
        data_root='data/million_aid',
        data_prefix='test',
        with_label=False,
        pipeline=pipeline,
    ),
)

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.03, momentum=0.9, weight_decay=1e-4),
)
# To zero, constant within an epoch.
param_scheduler = dict(
    type='CosineAnnealingLR', by_epoch=True, T_max=200, begin=0, end=200
)
train_cfg = dict(by_epoch=True, max_epochs=200)
auto_scale_lr = dict(base_batch_size=256)
