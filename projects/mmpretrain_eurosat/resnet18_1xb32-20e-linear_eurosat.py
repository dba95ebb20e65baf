# A linear classifier on a frozen ResNet-18 of rsp, on 800 EuroSAT scenes of 10 classes,
# for mmpretrain's own tools: model and runtime are mmpretrain's, the data set comes
# with the one import of rsp.
#
# Data: data/quickstart/probe, 800 scenes of 64 px to train, 800 to score.
# Expected number (accuracy/top1) and cost: README.md.
_base_ = [
    'mmpretrain::_base_/models/resnet18.py',
    'mmpretrain::_base_/default_runtime.py',
]
custom_imports = dict(imports=['rsp'], allow_failed_imports=False)

model = dict(
    data_preprocessor=dict(
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        to_rgb=True,
        num_classes=10,
    ),
    backbone=dict(
        # All four stages, with the statistics of their batch norm.
        frozen_stages=4,
        norm_eval=True,
        # Written by `rsp checkpoint convert`; the prefix is the one it writes.
        init_cfg=dict(
            type='Pretrained',
            checkpoint='checkpoints/gersp_r18_quickstart.pth',
            prefix='backbone.',
        ),
    ),
    head=dict(num_classes=10, topk=(1,)),
)

train_pipeline = [
    dict(type='LoadImageFromFile'),
    # Scenes from above have no upright.
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomFlip', prob=0.5, direction='vertical'),
    dict(type='PackInputs'),
]
test_pipeline = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]
train_dataloader = dict(
    batch_size=32,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='rsp.ImageFolder',
        data_root='data/quickstart/probe',
        data_prefix='train',
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=100,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='rsp.ImageFolder',
        data_root='data/quickstart/probe',
        data_prefix='val',
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='Accuracy', topk=(1,))
test_evaluator = val_evaluator

optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='AdamW', lr=5e-3, weight_decay=1e-4)
)
param_scheduler = dict(type='CosineAnnealingLR', T_max=20, by_epoch=True, end=20)
train_cfg = dict(by_epoch=True, max_epochs=20, val_interval=20)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(
    logger=dict(interval=25), checkpoint=dict(interval=20, max_keep_ckpts=1)
)
auto_scale_lr = dict(base_batch_size=32)
randomness = dict(seed=0)
