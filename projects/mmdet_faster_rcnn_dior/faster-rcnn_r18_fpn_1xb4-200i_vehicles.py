# The same detector with ResNet-18 on 29 aerial images with vehicles, for a CPU.
#
# Data: 29 images with 681 boxes to train, 13 of other sequences with 565 to score, in
#   DIOR's folders. Vehicles are about 25 x 40 pixels: crops keep them at full size, and
#   the anchors begin at 16 pixels.
# Expected number and cost: README.md.
_base_ = './faster-rcnn_r50_fpn_1xb4-12e_dior.py'

model = dict(
    # Everything learns, batch norm too: four minutes of pre-training are no ImageNet.
    backbone=dict(
        depth=18,
        frozen_stages=-1,
        norm_eval=False,
        init_cfg=dict(checkpoint='checkpoints/gersp_r18_quickstart.pth'),
    ),
    # Half the channels and a quarter of the hidden units are enough for one class.
    neck=dict(in_channels=[64, 128, 256, 512], out_channels=128),
    rpn_head=dict(
        in_channels=128, feat_channels=128, anchor_generator=dict(scales=[4])
    ),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=128),
        bbox_head=dict(in_channels=128, fc_out_channels=256, num_classes=1),
    ),
    # For crops of 192 x 192 pixels, not images of 1333 x 800.
    train_cfg=dict(
        rpn_proposal=dict(max_per_img=500), rcnn=dict(sampler=dict(num=128))
    ),
    test_cfg=dict(rcnn=dict(max_per_img=300)),
)

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True),
    # In place of a crop without a vehicle comes one of another image.
    dict(type='RandomCrop', crop_size=(192, 192), allow_negative_crop=False),
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
    _base_.test_pipeline[-1],
]
# Any folder of images with VOC xml; `ann_file` and `img_subdir` stay those of DIOR.
vehicles = dict(
    type='rsp.VOCDetectionDataset',
    data_root='data/det_dior_free',
    ann_subdir='Annotations/Horizontal Bounding Boxes',
    first_pixel=0,
    metainfo=dict(classes=('vehicle',), palette=[(255, 224, 0)]),
)
train_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    sampler=dict(_delete_=True, type='InfiniteSampler', shuffle=True),
    dataset=dict(pipeline=train_pipeline, **vehicles),
)
val_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(pipeline=test_pipeline, **vehicles),
)
test_dataloader = val_dataloader

optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=1e-3, weight_decay=0.05),
    clip_grad=dict(max_norm=10),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=20),
    dict(
        type='CosineAnnealingLR',
        by_epoch=False,
        begin=20,
        end=200,
        eta_min_ratio=0.02,
    ),
]
train_cfg = dict(
    _delete_=True, type='IterBasedTrainLoop', max_iters=200, val_interval=200
)
default_hooks = dict(
    logger=dict(interval=10), checkpoint=dict(by_epoch=False, interval=200)
)
log_processor = dict(by_epoch=False)
randomness = dict(seed=0)
