# Fine-tuning ResNet-18 at 64 px in minutes on a CPU; the experiment adds the data.
_base_ = '../runtime.py'

model = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet', depth=18, out_indices=(3,)),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='LinearClsHead',
        num_classes=10,
        in_channels=512,
        loss=dict(type='CrossEntropyLoss', loss_weight=1.0),
    ),
    data_preprocessor=dict(
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        to_rgb=True,
    ),
)

train_pipeline = [
    dict(type='LoadImageFromFile'),
    # Smaller than the scene, for time, at about its own scale.
    dict(type='RandomResizedCrop', scale=48, crop_ratio_range=(0.4, 0.8)),
    # Scenes from above have no upright.
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomFlip', prob=0.5, direction='vertical'),
    dict(type='PackInputs'),
]
test_pipeline = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]
classes = (
    'AnnualCrop',
    'Forest',
    'HerbaceousVegetation',
    'Highway',
    'Industrial',
    'Pasture',
    'PermanentCrop',
    'Residential',
    'River',
    'SeaLake',
)
train_dataloader = dict(
    batch_size=32,
    num_workers=1,
    # By iterations, so that few labels get as many steps as many.
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='rsp.ImageFolder',
        data_root='data/quickstart/probe',
        data_prefix='train',
        metainfo=dict(classes=classes),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=100,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='rsp.ImageFolder',
        data_root='data/quickstart/probe',
        data_prefix='val',
        metainfo=dict(classes=classes),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='Accuracy', topk=(1,))
test_evaluator = val_evaluator

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=5e-4, weight_decay=0.05, fused=True),
)
train_cfg = dict(by_epoch=False, max_iters=400, val_interval=400)
val_cfg = dict()
test_cfg = dict()
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=20),
    dict(type='CosineAnnealingLR', T_max=400, by_epoch=False, begin=0, end=400),
]
auto_scale_lr = dict(base_batch_size=32)

default_hooks = dict(
    logger=dict(interval=20),
    checkpoint=dict(by_epoch=False, interval=400, max_keep_ckpts=1),
)
log_processor = dict(by_epoch=False)
