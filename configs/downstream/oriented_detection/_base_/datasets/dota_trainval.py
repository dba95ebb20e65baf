# DOTA-v1.0 in patches: learned on `train` and `val`, scored by the server on `test`.
# There is nothing left to validate on.
_base_ = './dota_pipelines.py'

train_dataloader = dict(
    batch_size=2,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(
        type='ConcatDataset',
        datasets=[
            dict(
                type='rsp.OrientedDOTADataset',
                data_root='data/split_ss_dota',
                ann_file='train/annfiles',
                data_prefix=dict(img_path='train/images'),
                diff_thr=100,
                filter_cfg=dict(filter_empty_gt=True),
                pipeline={{_base_.train_pipeline}},
            ),
            dict(
                type='rsp.OrientedDOTADataset',
                data_root='data/split_ss_dota',
                ann_file='val/annfiles',
                data_prefix=dict(img_path='val/images'),
                diff_thr=100,
                filter_cfg=dict(filter_empty_gt=True),
                pipeline={{_base_.train_pipeline}},
            ),
        ],
    ),
)
val_cfg = None
val_dataloader = None
val_evaluator = None

test_dataloader = {{_base_.submission_dataloader}}
test_evaluator = dict(
    type='rsp.OrientedDOTAMetric',
    format_only=True,
    merge_patches=True,
    outfile_prefix='work_dirs/dota_submission',
)
test_cfg = dict(type='TestLoop')
