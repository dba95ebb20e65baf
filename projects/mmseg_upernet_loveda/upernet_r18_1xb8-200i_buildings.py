# The same network, small, on ResNet-18 and 118 tiles with buildings, for a CPU.
#
# Data: 118 tiles of 256 px to train, 29 to score (OpenAerialMap, Kampala), masks with 0
#   for ground and 1 for buildings, in mmseg's folders.
# Expected number (IoU_building) and cost: README.md.
_base_ = './upernet_r50_1xb16-80k_loveda.py'

model = dict(
    data_preprocessor=dict(size=(192, 192)),
    backbone=dict(
        depth=18,
        init_cfg=dict(checkpoint='checkpoints/gersp_r18_quickstart.pth'),
    ),
    decode_head=dict(in_channels=[64, 128, 256, 512], channels=64, num_classes=2),
    auxiliary_head=dict(in_channels=256, channels=32, num_classes=2),
)

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='rsp.LoadMaskAnnotations'),
    dict(type='RandomResize', scale=(256, 256), ratio_range=(0.75, 1.5)),
    dict(type='RandomCrop', crop_size=(192, 192)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomFlip', prob=0.5, direction='vertical'),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
buildings = dict(
    type='rsp.MaskFolder',
    data_root='data/seg_building_oam',
    img_suffix='.jpg',
    metainfo=dict(
        classes=('background', 'building'), palette=[[70, 70, 70], [255, 140, 0]]
    ),
)
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(pipeline=train_pipeline, **buildings),
)
val_dataloader = dict(num_workers=0, persistent_workers=False, dataset=buildings)
test_dataloader = val_dataloader

optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=1e-3, weight_decay=0.05)
)
param_scheduler = [
    dict(type='rsp.WarmupLR', start_factor=0.1, by_epoch=False, begin=0, end=20),
    dict(
        type='CosineAnnealingLR',
        eta_min_ratio=0.01,
        by_epoch=False,
        begin=0,
        T_max=200,
        end=200,
    ),
]
train_cfg = dict(max_iters=200, val_interval=200)
default_hooks = dict(logger=dict(interval=10), checkpoint=dict(interval=200))
randomness = dict(seed=0)
