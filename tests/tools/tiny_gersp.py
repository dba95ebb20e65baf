# A run of seconds: GeRSP on 32-pixel images below `data_root`, which tests generate.
_base_ = '../../configs/_base_/default_runtime.py'

data_root = 'data'
view = [
    dict(type='RandomResizedCrop', scale=24, backend='pillow'),
    dict(type='RandomFlip', prob=0.5),
]
model = dict(
    type='rsp.GeRSP',
    backbone=dict(type='ResNet', depth=18, base_channels=4, stem_channels=4),
    neck=dict(type='rsp.Projector', widths=[32, 16, 8]),
    head=dict(
        type='ContrastiveHead', loss=dict(type='CrossEntropyLoss'), temperature=0.07
    ),
    sup_head=dict(type='rsp.ClassificationHead', num_classes=3, in_channels=32),
    queue=dict(dim=8, length=16),
)
data_preprocessor = dict(
    type='rsp.PairedDataPreprocessor',
    mean=[124, 116, 104],
    std=[58, 57, 57],
    to_rgb=True,
)
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    drop_last=True,
    sampler=dict(type='rsp.PairedSampler', shuffle=True),
    collate_fn=dict(type='rsp.paired_collate'),
    dataset=dict(
        type='rsp.PairedDataset',
        sources=dict(
            remote=dict(
                type='rsp.ImageFolder',
                data_root=data_root,
                data_prefix='remote',
                with_label=False,
                pipeline=[
                    dict(type='LoadImageFromFile'),
                    dict(type='MultiView', num_views=2, transforms=[view]),
                    dict(type='PackInputs'),
                ],
            ),
            natural=dict(
                type='rsp.ImageFolder',
                data_root=data_root,
                data_prefix='natural',
                with_label=True,
                pipeline=[
                    dict(type='LoadImageFromFile'),
                    *view,
                    dict(type='PackInputs'),
                ],
            ),
        ),
    ),
)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01))
param_scheduler = dict(type='CosineAnnealingLR', eta_min_ratio=0.1, T_max=2)
auto_scale_lr = dict(base_batch_size=8)
train_cfg = dict(by_epoch=True, max_epochs=2)
default_hooks = dict(logger=dict(interval=1))
