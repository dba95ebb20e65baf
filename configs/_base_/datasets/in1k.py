# Labeled ImageNet for classification: data/ImageNet/{train,val}/<wnid>/*.JPEG.
# A flat `val` folder works with `ann_file='meta/val.txt'` (one "name label" a line).
data_preprocessor = dict(
    num_classes=1000,
    # ImageNet statistics in 0-255.
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    to_rgb=True,
)

train_dataloader = dict(
    num_workers=4,
    persistent_workers=True,
    pin_memory=True,
    # Crops follow from (seed, epoch, image).
    sampler=dict(type='rsp.PairedSampler', shuffle=True),
    batch_sampler=dict(type='rsp.PairedBatchSampler'),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='rsp.ImageFolder',
        data_root='data/ImageNet',
        data_prefix='train',
        with_label=True,
    ),
)
val_dataloader = dict(
    num_workers=4,
    persistent_workers=True,
    pin_memory=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='rsp.ImageFolder',
        data_root='data/ImageNet',
        data_prefix='val',
        with_label=True,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='Accuracy', topk=(1, 5))
test_evaluator = val_evaluator
val_cfg = dict()
test_cfg = dict()
