# Tiles of tools/dataset_tools/loveda.py, 1024 px: 2,522 to train, 1,669 to validate, 1,796 to test.
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='rsp.LoadMaskAnnotations'),
    # The short side of a 1024 px tile becomes 256 to 1024 px: mmseg's choice.
    dict(
        type='RandomResize', scale=(2048, 512), ratio_range=(0.5, 2.0), keep_ratio=True
    ),
    dict(type='RandomCrop', crop_size=(512, 512), cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='rsp.LoadMaskAnnotations'),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(
    batch_size=16,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(
        type='rsp.LoveDA',
        data_root='data/loveDA',
        data_prefix=dict(img_path='img_dir/train', seg_map_path='ann_dir/train'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(
        type='rsp.LoveDA',
        data_root='data/loveDA',
        data_prefix=dict(img_path='img_dir/val', seg_map_path='ann_dir/val'),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

# `tools/test.py --format-only` writes the test tiles, which have no public masks, as PNG
# with 0 to 6 as LoveDA's server wants. mmseg would write 1 to 7.
submission_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(
        type='rsp.LoveDA',
        data_root='data/loveDA',
        data_prefix=dict(img_path='img_dir/test'),
        pipeline=[dict(type='LoadImageFromFile'), dict(type='PackSegInputs')],
    ),
)
