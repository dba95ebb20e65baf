# ATSS, ResNet-18, on 29 aerial images with vehicles: an example that trains in five
# minutes on one CPU core.
#
# Source: our own recipe. Data: data/det_dior_free, DIOR's folders with the one class
#   vehicle, 29 images with 681 boxes to train, 13 images with 565 boxes of other
#   sequences to score. Vehicles are about 25 x 40 pixels: nothing is resized, crops keep
#   them at full size, and the anchors begin at 32 pixels on stride 8.
# Expected number (bbox_mAP_50): 0.56 to 0.63 with and without the quick start's backbone,
#   README.md has the table; a detector that finds nothing has 0.
# Cost: about 5 minutes on one CPU core (313 s of processor time, scoring included).
# Command:
#   python tools/train.py configs/downstream/detection/atss_r18_vehicle_mini.py \
#       --pretrained <checkpoint>
#   python tools/test.py configs/downstream/detection/atss_r18_vehicle_mini.py \
#       work_dirs/detection/atss_r18_vehicle_mini/iter_150.pth --show-dir pictures
# Departures: none, there is no published number.
_base_ = './_base_/runtime.py'

model = dict(
    type='ATSS',
    data_preprocessor=dict(
        type='DetDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=32,
    ),
    # Batch norm learns: the stored statistics of random weights fit no image.
    backbone=dict(
        type='mmpretrain.ResNet',
        depth=18,
        out_indices=(1, 2, 3),
        frozen_stages=-1,
        norm_cfg=dict(type='BN'),
        norm_eval=False,
    ),
    neck=dict(type='FPN', in_channels=[128, 256, 512], out_channels=128, num_outs=3),
    bbox_head=dict(
        type='ATSSHead',
        num_classes=1,
        in_channels=128,
        stacked_convs=2,
        feat_channels=128,
        anchor_generator=dict(
            type='AnchorGenerator',
            octave_base_scale=4,
            scales_per_octave=1,
            ratios=[1.0],
            strides=[8, 16, 32],
        ),
        bbox_coder=dict(
            type='DeltaXYWHBBoxCoder',
            target_means=[0.0, 0.0, 0.0, 0.0],
            target_stds=[0.1, 0.1, 0.2, 0.2],
        ),
        loss_cls=dict(type='FocalLoss', use_sigmoid=True, gamma=2.0, alpha=0.25),
        loss_bbox=dict(type='GIoULoss', loss_weight=2.0),
        loss_centerness=dict(type='CrossEntropyLoss', use_sigmoid=True),
    ),
    train_cfg=dict(
        assigner=dict(type='ATSSAssigner', topk=9),
        allowed_border=-1,
        pos_weight=-1,
        debug=False,
    ),
    test_cfg=dict(
        nms_pre=1000,
        min_bbox_size=0,
        score_thr=0.05,
        nms=dict(type='nms', iou_threshold=0.5),
        max_per_img=300,
    ),
)

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True),
    # In place of a crop without a vehicle comes one of another image.
    dict(type='RandomCrop', crop_size=(256, 256), allow_negative_crop=False),
    dict(
        type='RandomFlip',
        prob=[0.25, 0.25, 0.25],
        direction=['horizontal', 'vertical', 'diagonal'],
    ),
    dict(type='PackDetInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    # As it is; mmdet wants to know the scale.
    dict(type='Resize', scale_factor=1.0, keep_ratio=True),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(
        type='PackDetInputs',
        meta_keys=(
            'img_id',
            'img_path',
            'ori_shape',
            'img_shape',
            'scale_factor',
            'instances',
        ),
    ),
]
vehicles = dict(
    type='rsp.DIORDataset',
    metainfo=dict(classes=('vehicle',), palette=[(255, 224, 0)]),
    data_root='data/det_dior_free',
)
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(
        ann_file='ImageSets/Main/trainval.txt',
        img_subdir='JPEGImages-trainval',
        pipeline=train_pipeline,
        **vehicles,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(
        ann_file='ImageSets/Main/test.txt',
        img_subdir='JPEGImages-test',
        test_mode=True,
        pipeline=test_pipeline,
        **vehicles,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='rsp.BoxAveragePrecision')
test_evaluator = val_evaluator

train_cfg = dict(type='IterBasedTrainLoop', max_iters=150, val_interval=150)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.05),
    clip_grad=dict(max_norm=10),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=20),
    dict(
        type='CosineAnnealingLR',
        by_epoch=False,
        begin=20,
        end=150,
        eta_min_ratio=0.02,
    ),
]
auto_scale_lr = dict(enable=False, base_batch_size=8)
default_hooks = dict(
    logger=dict(interval=25),
    checkpoint=dict(by_epoch=False, interval=150),
)
log_processor = dict(by_epoch=False)
# After so few steps right boxes rank first, but score low.
visualizer = dict(score_thr=0.15)
