# Faster R-CNN, ResNet-50 of rsp, on DIOR, for mmdet's own tools: models, schedule and
# runtime are mmdet's; data set and metric come with the one import of rsp.
#
# Expected number: none was measured with this schedule; the papers' recipe and table
#   are in configs/downstream/detection.
# Cost: about 3 h on one A100, an estimate.
# Command: README.md.
_base_ = [
    'mmdet::_base_/models/faster-rcnn_r50_fpn.py',
    'mmdet::_base_/schedules/schedule_1x.py',
    'mmdet::_base_/default_runtime.py',
]
custom_imports = dict(imports=['rsp'], allow_failed_imports=False)

model = dict(
    backbone=dict(
        # Written by `rsp checkpoint convert`; the prefix is the one it writes.
        init_cfg=dict(
            type='Pretrained',
            checkpoint='checkpoints/gersp_r50.pth',
            prefix='backbone.',
        ),
    ),
    roi_head=dict(bbox_head=dict(num_classes=20)),
)

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='Resize', scale=(800, 800), keep_ratio=True),
    dict(
        type='RandomFlip',
        prob=[0.25, 0.25, 0.25],
        direction=['horizontal', 'vertical', 'diagonal'],
    ),
    dict(type='PackDetInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(800, 800), keep_ratio=True),
    # After the resizing, so that the truth stays in pixels of the file.
    dict(type='LoadAnnotations', with_bbox=True),
    dict(
        type='PackDetInputs',
        # The metric reads the truth from `instances`, so that no json is needed.
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
train_dataloader = dict(
    batch_size=4,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='AspectRatioBatchSampler'),
    dataset=dict(
        type='rsp.DIORDataset',
        data_root='data/DIOR',
        ann_file='ImageSets/Main/trainval.txt',
        img_subdir='JPEGImages-trainval',
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='rsp.DIORDataset',
        data_root='data/DIOR',
        ann_file='ImageSets/Main/test.txt',
        img_subdir='JPEGImages-test',
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='rsp.BoxAveragePrecision')
test_evaluator = val_evaluator

# mmdet's rate is for 8 x 2 images; --auto-scale-lr scales from here.
optim_wrapper = dict(optimizer=dict(lr=0.005))
auto_scale_lr = dict(base_batch_size=4)
