# DOTA-v1.0 in tiles of 800 pixels, 640 apart, upright boxes: train to train, val to
# score; README.md has the folders and the two commands that make them.
_base_ = './pipelines.py'

train_dataloader = dict(
    batch_size=4,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(
        type='rsp.DOTACocoDataset',
        data_root='data/dota_800_640',
        ann_file='train.json',
        data_prefix=dict(img='train/images'),
        filter_cfg=dict(filter_empty_gt=True),
        pipeline={{_base_.train_pipeline}},
    ),
)
val_dataloader = dict(
    batch_size=4,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(
        type='rsp.DOTACocoDataset',
        data_root='data/dota_800_640',
        ann_file='val.json',
        data_prefix=dict(img='val/images'),
        test_mode=True,
        pipeline={{_base_.test_pipeline}},
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='rsp.BoxAveragePrecision')
test_evaluator = val_evaluator
