# Two views of the small data set of the repository, and a schedule of minutes on two CPU
# cores: what the small versions of this folder share with MoCo's.
_base_ = ['../../_base_/datasets/views.py', '../../_base_/schedules/quickstart.py']

jitter = dict(
    type='rsp.ColorJitter', brightness=0.2, contrast=0.2, saturation=0.2, hue=0.02
)
view = [
    dict(type='RandomResizedCrop', scale=32, crop_ratio_range=(0.1, 0.6)),
    dict(type='RandomApply', transforms=[jitter], prob=0.5),
    # Scenes from above have no upright.
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomFlip', prob=0.5, direction='vertical'),
]
pipeline = [
    dict(type='rsp.LoadViews', num_views=2, transforms=[view]),
    dict(type='PackInputs'),
]
train_dataloader = dict(
    batch_size=64,
    num_workers=1,
    dataset=dict(
        type='rsp.ImageFolder',
        data_root='data/quickstart',
        data_prefix='remote',
        with_label=False,
        pipeline=pipeline,
    ),
)
