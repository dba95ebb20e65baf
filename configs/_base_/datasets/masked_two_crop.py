# Masked crops of unlabeled scenes. The experiment names the folder and adds
# the batch size and the pipeline.
data_preprocessor = dict(
    type='rsp.BandDataPreprocessor',
    # The official statistics in 0-255, close to Potsdam's and used for both data sets:
    # 0.33797, 0.3605, 0.3348 and 0.1359, 0.1352, 0.1407 of 255.
    mean=[86.18235, 91.9275, 85.374],
    std=[34.6545, 34.476, 35.8785],
    to_rgb=True,
)

train_dataloader = dict(
    num_workers=4,
    persistent_workers=True,
    pin_memory=True,
    # Crops, masks and colors follow from (seed, epoch, image).
    sampler=dict(type='rsp.PairedSampler', shuffle=True),
    batch_sampler=dict(type='rsp.PairedBatchSampler', drop_last=True),
    collate_fn=dict(type='rsp.stacked_collate'),
    dataset=dict(
        type='rsp.SeededDataset',
        dataset=dict(type='rsp.ImageFolder', with_label=False),
    ),
)
