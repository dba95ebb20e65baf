# A classifier of photos, ResNet-18, on the small data set of the repository: the "IMP"
# row of GeRSP's tables at the size of a CPU.
#
# Source: our own recipe, the photos, views and schedule of GeRSP's r18_quickstart.py.
# Expected number: none measured.
# Command:
#   python tools/train.py configs/supervised/r18_quickstart.py
_base_ = ['../_base_/datasets/in1k.py', '../_base_/schedules/quickstart.py']

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
