# MoCo v2, ResNet-50, all 13 bands of Sentinel-2 scenes. Our own recipe: what v2_r50_maid.py
# becomes for images that are no photographs, as SSL4EO-S12 does
# (https://arxiv.org/abs/2211.07044).
#
# Expected number: none published for this recipe, and none of ours yet.
# Hardware: as v2_r50_maid.py; the scenes are read while training.
# Data: any number of Sentinel-2 scenes of level 1C (GeoTIFF, COG or JPEG 2000; bands in
#   the order B1 to B8, B8A, B9 to B12) below data/sentinel2. Level 2A lacks B10: set
#   model.backbone.in_channels=12 and leave out the eleventh of mean, std and bands.
# Command:
#   bash tools/dist_train.sh configs/moco/r50_s2_13bands.py 8
#
# Differs from v2_r50_maid.py:
#   - reflectances instead of 8 bits, normalized by the statistics of SSL4EO-S12
#   - brightness and contrast change band by band, hue and saturation do not; gray is the
#     mean of all bands
#   - blur of 13 x 13 pixels instead of an unlimited kernel: three deviations of the widest
_base_ = './mocov2_resnet50_8xb32-coslr-200e_maid.py'

# For the card of the weights.
bands = [
    'B01', 'B02', 'B03', 'B04', 'B05', 'B06', 'B07', 'B08', 'B8A', 'B09', 'B10', 'B11',
    'B12',
]  # fmt: skip
model = dict(backbone=dict(in_channels=13))
data_preprocessor = dict(
    type='rsp.BandDataPreprocessor',
    mean=[
        0.16056, 0.13908, 0.13149, 0.13635, 0.15494, 0.20917, 0.23717, 0.22999, 0.25603,
        0.08301, 0.00221, 0.21772, 0.15241,
    ],
    std=[
        0.07868, 0.08503, 0.08751, 0.11388, 0.11222, 0.11616, 0.12744, 0.12484, 0.13455,
        0.05773, 0.00512, 0.13361, 0.11365,
    ],
    to_rgb=False,
)  # fmt: skip
jitter = dict(type='rsp.ColorJitter', brightness=0.4, contrast=0.4)
view = [
    dict(type='RandomResizedCrop', scale=224, crop_ratio_range=(0.2, 1.0)),
    dict(type='RandomApply', transforms=[jitter], prob=0.8),
    dict(type='rsp.RandomGrayscale', prob=0.2),
    dict(type='rsp.RandomBlur', kernel=(13, 13), sigma=(0.1, 2.0), prob=0.5),
    dict(type='RandomFlip', prob=0.5),
]
pipeline = [
    dict(type='MultiView', num_views=2, transforms=[view]),
    dict(type='PackInputs'),
]
train_dataloader = dict(
    # Windows and augmentations follow from (seed, epoch, window). What fills no batch is
    # dropped, by the batch sampler.
    drop_last=True,
    sampler=dict(_delete_=True, type='rsp.PairedSampler', shuffle=True),
    batch_sampler=dict(type='rsp.PairedBatchSampler', drop_last=True),
    collate_fn=dict(type='rsp.stacked_collate'),
    dataset=dict(
        _delete_=True,
        type='rsp.SceneDataset',
        data_root='data/sentinel2',
        windows=256,
        reflectance=dict(scale=1e-4, value_range=(0, 1)),
        pipeline=pipeline,
    ),
)
