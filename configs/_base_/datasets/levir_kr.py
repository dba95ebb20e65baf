# Images with a label file of land-cover counts, one view each. The experiment names the
# classes and adds the batch size and the pipeline.
data_preprocessor = dict(
    type='rsp.BandDataPreprocessor',
    # 0 to 1, and that is all.
    mean=[0.0, 0.0, 0.0],
    std=[255.0, 255.0, 255.0],
    to_rgb=True,
)

train_dataloader = dict(
    num_workers=4,
    persistent_workers=True,
    pin_memory=True,
    # Augmentations follow from (seed, epoch, image).
    sampler=dict(type='rsp.PairedSampler', shuffle=True),
    batch_sampler=dict(type='rsp.PairedBatchSampler'),
    collate_fn=dict(type='rsp.stacked_collate'),
    dataset=dict(
        type='rsp.SeededDataset',
        # data/levir_kr/**/*.tiff, and counts of classes: the file that
        # tools/dataset_tools/make_land_cover_labels.py writes, or the folder of the
        # official tool, one JSON per image.
        dataset=dict(
            type='rsp.LandCoverImages',
            data_root='data/levir_kr',
            labels='data/levir_kr/labels.jsonl',
        ),
    ),
)
