# DOTA-v1.0 in patches: learned on `train`, scored on `val`.
_base_ = './dota_pipelines.py'

train_dataloader = dict(
    batch_size=2,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(
        type='rsp.OrientedDOTADataset',
        data_root='data/split_ss_dota',
        ann_file='train/annfiles',
        data_prefix=dict(img_path='train/images'),
        # Difficult and cut-off objects are learned like the others, as in mmrotate.
        diff_thr=100,
        filter_cfg=dict(filter_empty_gt=True),
        pipeline={{_base_.train_pipeline}},
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(
        type='rsp.OrientedDOTADataset',
        data_root='data/split_ss_dota',
        ann_file='val/annfiles',
        data_prefix=dict(img_path='val/images'),
        # As DOTA's server: neither a hit nor a miss. mmrotate would score them: 100.
        diff_thr=0,
        test_mode=True,
        pipeline={{_base_.val_pipeline}},
    ),
)
test_dataloader = val_dataloader
# Patches are scored as they are; a submission merges them (--format-only).
val_evaluator = dict(type='rsp.OrientedDOTAMetric', metric='mAP', merge_patches=True)
test_evaluator = val_evaluator
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
