# DIOR with a COCO json per split, as GeRSP read it; images as in the original layout.
_base_ = './pipelines.py'

train_dataloader = dict(
    batch_size=4,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(
        type='rsp.DIORCocoDataset',
        data_root='data/DIOR',
        ann_file='Annotations/trainval.json',
        data_prefix=dict(img='JPEGImages-trainval'),
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
        type='rsp.DIORCocoDataset',
        data_root='data/DIOR',
        ann_file='Annotations/test.json',
        data_prefix=dict(img='JPEGImages-test'),
        test_mode=True,
        pipeline={{_base_.test_pipeline}},
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='rsp.BoxAveragePrecision')
test_evaluator = val_evaluator
