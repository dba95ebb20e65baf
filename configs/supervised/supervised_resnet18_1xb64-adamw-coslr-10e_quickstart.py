# A classifier of photos, ResNet-18, on the small data set of the repository: the "IMP"
# row of GeRSP's tables at the size of a CPU.
#
# Source: our own recipe, the photos, views and schedule of GeRSP's r18_quickstart.py.
# Expected number: none measured.
# Command:
#   python tools/train.py configs/supervised/r18_quickstart.py
_base_ = ['../_base_/datasets/in1k.py', '../_base_/default_runtime.py']

model = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet', depth=18),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='LinearClsHead',
        num_classes=10,
        in_channels=512,
        loss=dict(type='CrossEntropyLoss'),
    ),
)
data_preprocessor = dict(num_classes=10)

jitter = dict(
    type='rsp.ColorJitter', brightness=0.2, contrast=0.2, saturation=0.2, hue=0.02
)
view = [
    dict(type='RandomResizedCrop', scale=32, crop_ratio_range=(0.2, 1.0)),
    dict(type='RandomApply', transforms=[jitter], prob=0.5),
    dict(type='RandomFlip', prob=0.5),
]
pipeline = [dict(type='rsp.LoadView', transforms=view), dict(type='PackInputs')]
train_dataloader = dict(
    batch_size=64,
    num_workers=1,
    dataset=dict(data_root='data/quickstart', data_prefix='natural', pipeline=pipeline),
)
# Scored by the probes of configs/downstream/classification.
val_dataloader = val_evaluator = val_cfg = None
test_dataloader = test_evaluator = test_cfg = None

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.05, fused=True),
)
train_cfg = dict(by_epoch=True, max_epochs=10)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=20),
    dict(
        type='CosineAnnealingLR',
        T_max=10,
        by_epoch=True,
        begin=0,
        end=10,
        convert_to_iter_based=True,
    ),
]
auto_scale_lr = dict(base_batch_size=64)

default_hooks = dict(
    logger=dict(interval=5),
    checkpoint=dict(interval=5, max_keep_ckpts=1),
)
