# Views of unlabeled images from one pool. The experiment names the folders and adds
# the batch size and the pipeline.
data_preprocessor = dict(
    type='rsp.BandDataPreprocessor',
    # ImageNet statistics in 0-255.
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    to_rgb=True,
)

train_dataloader = dict(
    num_workers=4,
    persistent_workers=True,
    pin_memory=True,
    # Views follow from (seed, epoch, image).
    sampler=dict(type='rsp.PairedSampler', shuffle=True),
    batch_sampler=dict(type='rsp.PairedBatchSampler', drop_last=True),
    collate_fn=dict(type='rsp.stacked_collate'),
)
