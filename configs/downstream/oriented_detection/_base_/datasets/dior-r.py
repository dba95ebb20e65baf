# DIOR-R, 800 pixels, 20 classes: learned on train and val (11,725 images), scored on
# test (11,738). Original layout; the pipelines are those of mmrotate.
train_pipeline = [
    dict(type='mmdet.LoadImageFromFile'),
    dict(type='mmdet.LoadAnnotations', with_bbox=True, box_type='qbox'),
    dict(type='ConvertBoxType', box_type_mapping=dict(gt_bboxes='rbox')),
    # Rotated boxes are never clipped; asking for it only warns at every image.
    dict(
        type='mmdet.Resize',
        scale=(800, 800),
        keep_ratio=True,
        clip_object_border=False,
    ),
    dict(
        type='mmdet.RandomFlip',
        prob=[0.25, 0.25, 0.25],
        direction=['horizontal', 'vertical', 'diagonal'],
    ),
    dict(type='mmdet.PackDetInputs'),
]
test_pipeline = [
    dict(type='mmdet.LoadImageFromFile'),
    dict(type='mmdet.Resize', scale=(800, 800), keep_ratio=True),
    # After resizing: predictions are scored in pixels of the file.
    dict(type='mmdet.LoadAnnotations', with_bbox=True, box_type='qbox'),
    dict(type='ConvertBoxType', box_type_mapping=dict(gt_bboxes='rbox')),
    dict(
        type='mmdet.PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
    ),
]

train_dataloader = dict(
    batch_size=2,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(
        type='ConcatDataset',
        datasets=[
            dict(
                type='rsp.OrientedDIORDataset',
                data_root='data/DIOR',
                ann_file='ImageSets/Main/train.txt',
                data_prefix=dict(img_path='JPEGImages-trainval'),
                filter_cfg=dict(filter_empty_gt=True),
                pipeline=train_pipeline,
            ),
            dict(
                type='rsp.OrientedDIORDataset',
                data_root='data/DIOR',
                ann_file='ImageSets/Main/val.txt',
                data_prefix=dict(img_path='JPEGImages-trainval'),
                filter_cfg=dict(filter_empty_gt=True),
                pipeline=train_pipeline,
            ),
        ],
    ),
)
# The labels of test are public. It is scored once, at the end; validation on it during
# training would only invite to pick the best epoch.
val_cfg = None
val_dataloader = None
val_evaluator = None

test_dataloader = dict(
    batch_size=1,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(
        type='rsp.OrientedDIORDataset',
        data_root='data/DIOR',
        ann_file='ImageSets/Main/test.txt',
        data_prefix=dict(img_path='JPEGImages-test'),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_evaluator = dict(type='rsp.OrientedDOTAMetric', metric='mAP')
test_cfg = dict(type='TestLoop')
