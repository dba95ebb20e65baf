# Unlabeled Million-AID scenes paired with labeled ImageNet photos. The experiment
# adds the batch size and the two pipelines.
data_preprocessor = dict(
    type='rsp.PairedDataPreprocessor',
    # ImageNet statistics in 0-255, for both sources.
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    to_rgb=True,
)

train_dataloader = dict(
    num_workers=4,
    persistent_workers=True,
    pin_memory=True,
    sampler=dict(type='rsp.PairedSampler', shuffle=True),
    batch_sampler=dict(type='rsp.PairedBatchSampler', drop_last=True),
    collate_fn=dict(type='rsp.paired_collate'),
    dataset=dict(
        type='rsp.PairedDataset',
        pairing='shuffle',
        sources=dict(
            # data/million_aid/test/**/*.jpg
            remote=dict(
                type='rsp.ImageFolder',
                data_root='data/million_aid',
                data_prefix='test',
                with_label=False,
            ),
            # data/ImageNet/train/<wnid>/*.JPEG; the label is the rank of the folder
            natural=dict(
                type='rsp.ImageFolder',
                data_root='data/ImageNet',
                data_prefix='train',
                with_label=True,
            ),
        ),
    ),
)
