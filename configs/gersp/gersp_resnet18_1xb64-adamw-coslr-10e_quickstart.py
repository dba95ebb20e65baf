# GeRSP, ResNet-18, on the small data set of the repository: learns something in minutes
# on two CPU cores. For a first look and for tests of the whole chain, not for weights.
#
# Source: our own recipe.
# Expected number: top-1 of configs/downstream/classification/
#   r18_eurosat-quickstart_probe.py, means over three seeds. Pre-trained: kNN 59.0 +- 1.2,
#   linear 64.0 +- 1.1. Random weights with batch norm re-estimated: kNN 48.2 +- 1.2,
#   linear 52.0 +- 1.1.
# Cost: 370 steps of 64 scenes (two views) and 64 photos; 80 s on two quiet CPU
#   cores, 2 min beside one busy process.
# Command, the whole comparison or this training alone:
#   bash tools/quickstart.sh
#   python tools/train.py configs/gersp/r18_quickstart.py
_base_ = [
    '../_base_/datasets/millionaid_in1k.py',
    '../_base_/schedules/quickstart.py',
]

model = dict(
    type='rsp.GeRSP',
    backbone=dict(type='ResNet', depth=18),
    neck=dict(type='rsp.Projector', widths=[512, 512, 128]),
    head=dict(
        type='ContrastiveHead',
        loss=dict(type='CrossEntropyLoss'),
        temperature=0.2,
    ),
    sup_head=dict(type='rsp.ClassificationHead', num_classes=10, in_channels=512),
    # Shorter than the 2,400 scenes: else an image's old key is its own negative.
    queue=dict(dim=128, length=1024),
    # The teacher of a run of hundreds of steps cannot average over thousands.
    teacher=dict(momentum=0.01),
)

# Weak color jitter, no gray: at this resolution color is most of what tells a forest
# from a lake. Small crops keep the scale of the whole scenes that the probe looks at.
color = dict(
    type='RandomApply',
    prob=0.5,
    transforms=[
        dict(
            type='rsp.ColorJitter',
            brightness=0.2,
            contrast=0.2,
            saturation=0.2,
            hue=0.02,
        )
    ],
)
scene_pipeline = [
    dict(
        type='rsp.LoadViews',
        num_views=2,
        transforms=[
            [
                dict(type='RandomResizedCrop', scale=32, crop_ratio_range=(0.1, 0.6)),
                color,
                # Scenes from above have no upright.
                dict(type='RandomFlip', prob=0.5),
                dict(type='RandomFlip', prob=0.5, direction='vertical'),
            ]
        ],
    ),
    dict(type='rsp.PackViews'),
]
photo_pipeline = [
    dict(
        type='rsp.LoadView',
        transforms=[
            dict(type='RandomResizedCrop', scale=32, crop_ratio_range=(0.2, 1.0)),
            color,
            dict(type='RandomFlip', prob=0.5),
        ],
    ),
    dict(type='rsp.PackViews'),
]
train_dataloader = dict(
    batch_size=64,
    num_workers=1,  # views of a step take 0.13 s of one core, the step itself 0.8
    dataset=dict(
        sources=dict(
            remote=dict(
                data_root='data/quickstart',
                data_prefix='remote',
                pipeline=scene_pipeline,
            ),
            natural=dict(
                data_root='data/quickstart',
                data_prefix='natural',
                pipeline=photo_pipeline,
            ),
        ),
    ),
)
