# LEVIR-CD, new and vanished buildings, cut from 1024 to 256 pixels by
# tools/dataset_tools/prepare_change.py: 7,120 / 1,024 / 2,048 pairs.
dataset_type = 'rsp.ChangeDataset'
data_root = 'data/levir-cd_256'

train_pipeline = [
    dict(type='rsp.LoadChangePair'),
    dict(type='rsp.LoadChangeAnnotations'),
    # All eight flips and quarter turns, equally often, see cdd.py.
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='RandomRotFlip', rotate_prob=0.0, flip_prob=1.0),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='rsp.LoadChangePair'),
    dict(type='rsp.LoadChangeAnnotations'),
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
            img_path='train/A', img_path2='train/B', seg_map_path='train/label'
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
        data_prefix=dict(img_path='val/A', img_path2='val/B', seg_map_path='val/label'),
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
            img_path='test/A', img_path2='test/B', seg_map_path='test/label'
        ),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
val_evaluator = dict(type='rsp.ChangeMetric')
test_evaluator = dict(type='rsp.ChangeMetric')
