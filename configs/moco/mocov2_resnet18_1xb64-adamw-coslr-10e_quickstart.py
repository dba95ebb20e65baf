# MoCo v2, ResNet-18, on the small data set of the repository: minutes on two CPU cores.
# For a first look, for tests, and for what `rsp prepare scan --method moco` drafts.
#
# Source: our own recipe, the views and schedule of GeRSP's r18_quickstart.py.
# Expected number: none measured.
# Cost: 370 steps of 64 scenes (two views), as r18_quickstart.py of GeRSP without photos.
# Command:
#   python tools/train.py configs/moco/r18_quickstart.py
_base_ = ['../_base_/datasets/views.py', '../_base_/schedules/quickstart.py']

model = dict(
    type='rsp.MoCo',
    # Shorter than the 2,400 scenes: else an image's old key is its own negative.
    queue_len=1024,
    feat_dim=128,
    # The teacher of a run of hundreds of steps cannot average over thousands.
    momentum=0.01,
    backbone=dict(type='ResNet', depth=18),
    neck=dict(
        type='MoCoV2Neck',
        in_channels=512,
        hid_channels=512,
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
    type='rsp.ColorJitter', brightness=0.2, contrast=0.2, saturation=0.2, hue=0.02
)
view = [
    dict(type='RandomResizedCrop', scale=32, crop_ratio_range=(0.1, 0.6)),
    dict(type='RandomApply', transforms=[jitter], prob=0.5),
    # Scenes from above have no upright.
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomFlip', prob=0.5, direction='vertical'),
]
pipeline = [
    dict(type='rsp.LoadViews', num_views=2, transforms=[view]),
    dict(type='rsp.PackViews'),
]
train_dataloader = dict(
    batch_size=64,
    num_workers=1,
    dataset=dict(
        type='rsp.ImageFolder',
        data_root='data/quickstart',
        data_prefix='remote',
        with_label=False,
        pipeline=pipeline,
    ),
)
