# CMID's fine-tuning of ResNet-50; the experiment adds data and number of classes.
#
# The constants are those of the official configuration for UC Merced: timm's strong
# augmentation, soft targets, Adan.
_base_ = '../runtime.py'

model = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet', depth=50, out_indices=(3,)),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='LinearClsHead',
        in_channels=2048,
        loss=dict(type='LabelSmoothLoss', label_smooth_val=0.1, mode='original'),
        topk=(1, 5),
    ),
    # ImageNet's mean and deviation, as in pre-training.
    data_preprocessor=dict(
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        to_rgb=True,
    ),
    # Always one of the two, each half of the times, one draw per batch.
    train_cfg=dict(
        augments=[dict(type='Mixup', alpha=0.8), dict(type='CutMix', alpha=1.0)]
    ),
)

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='RandomResizedCrop',
        scale=224,
        crop_ratio_range=(0.08, 1.0),
        backend='pillow',
        interpolation='bicubic',
    ),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    # timm's "rand-m9-mstd0.5-inc1"; colors are BGR here.
    dict(
        type='RandAugment',
        policies='timm_increasing',
        num_policies=2,
        total_level=10,
        magnitude_level=9,
        magnitude_std=0.5,
        hparams=dict(pad_val=[104, 116, 124], interpolation='bicubic'),
    ),
    # One rectangle of noise, standard normal once the image is normalized.
    dict(
        type='RandomErasing',
        erase_prob=0.25,
        mode='rand',
        min_area_ratio=0.02,
        max_area_ratio=0.3333,
        fill_color=[103.53, 116.28, 123.675],
        fill_std=[57.375, 57.12, 58.395],
    ),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='ResizeEdge',
        scale=256,
        edge='short',
        backend='pillow',
        interpolation='bicubic',
    ),
    dict(type='CenterCrop', crop_size=224),
    dict(type='PackInputs'),
]
train_dataloader = dict(
    batch_size=64,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(pipeline=train_pipeline),
)
# Every test image once: nothing dropped, nothing shuffled.
val_dataloader = dict(
    batch_size=128,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    drop_last=False,
    dataset=dict(pipeline=test_pipeline),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='Accuracy', topk=(1, 5))
test_evaluator = val_evaluator

optim_wrapper = dict(
    type='OptimWrapper',
    constructor='rsp.GroupedOptimWrapperConstructor',
    optimizer=dict(
        type='Adan', lr=0.003125, betas=(0.98, 0.92, 0.99), weight_decay=0.02
    ),
    # timm decays no normalization and no bias.
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0, flat_decay_mult=0.0),
)
train_cfg = dict(by_epoch=True, max_epochs=200, val_interval=10)
val_cfg = dict()
test_cfg = dict()
param_scheduler = [
    dict(
        type='rsp.WarmupLR',
        start_factor=0.01,
        by_epoch=True,
        begin=0,
        end=5,
        convert_to_iter_based=True,
    ),
    # Down to 1e-6.
    dict(
        type='CosineAnnealingLR',
        eta_min_ratio=3.2e-4,
        by_epoch=True,
        begin=0,
        end=200,
        T_max=200,
        convert_to_iter_based=True,
    ),
]
auto_scale_lr = dict(base_batch_size=64)

# The last epoch counts; the best one would be chosen on the test images.
default_hooks = dict(checkpoint=dict(interval=10, max_keep_ckpts=1))
