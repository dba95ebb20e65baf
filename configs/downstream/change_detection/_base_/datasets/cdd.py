# CDD, season-varying pairs of 256 x 256 pixels: 10,000 / 3,000 / 3,000.
dataset_type = 'rsp.ChangeDataset'
data_root = 'data/cdd'

train_pipeline = [
    dict(type='rsp.LoadChangePair'),
    dict(type='rsp.LoadChangeAnnotations', lossy=True),  # JPEG: 254 is change, too
    # Together all eight flips and quarter turns, equally often: what flips both ways
    # (p .5 each) and turns of 90, 180 or 270 degrees (p .75) amount to.
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='RandomRotFlip', rotate_prob=0.0, flip_prob=1.0),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='rsp.LoadChangePair'),
    dict(type='rsp.LoadChangeAnnotations', lossy=True),
    dict(
        type='PackSegInputs',
        meta_keys=('img_path', 'img_path2', 'seg_map_path', 'ori_shape', 'img_shape'),
    ),
]

train_dataloader = dict(
    batch_size=8,
    num_workers=4,
    persistent_workers=True,
    # A last batch of a single pair would have no statistics for batch norm.
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        data_prefix=dict(
            img_path='train/A', img_path2='train/B', seg_map_path='train/OUT'
        ),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        data_prefix=dict(img_path='val/A', img_path2='val/B', seg_map_path='val/OUT'),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=8,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        data_prefix=dict(
            img_path='test/A', img_path2='test/B', seg_map_path='test/OUT'
        ),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
val_evaluator = dict(type='rsp.ChangeMetric')
test_evaluator = dict(type='rsp.ChangeMetric')
