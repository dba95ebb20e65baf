# DIOR in its original layout: trainval to train, test to score; README.md has the
# folders.
_base_ = './pipelines.py'

train_dataloader = dict(
    batch_size=4,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(
        type='rsp.DIORDataset',
        data_root='data/DIOR',
        ann_file='ImageSets/Main/trainval.txt',
        img_subdir='JPEGImages-trainval',
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
        type='rsp.DIORDataset',
        data_root='data/DIOR',
        ann_file='ImageSets/Main/test.txt',
        img_subdir='JPEGImages-test',
        test_mode=True,
        pipeline={{_base_.test_pipeline}},
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='rsp.BoxAveragePrecision')
test_evaluator = val_evaluator
