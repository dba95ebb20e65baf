# CMID, ResNet-50, all 13 bands of Sentinel-2 scenes. Our own recipe: what the published
# one, r50.py, becomes for images that are no photographs.
#
# Expected number: none published, and none of ours yet.
# Hardware: as r50.py; the scenes are read while training.
# Data: any number of Sentinel-2 scenes of level 1C (GeoTIFF, COG or JPEG 2000; bands in
#   the order B1 to B8, B8A, B9 to B12) below data/sentinel2. Level 2A lacks B10: set 12
#   in model.backbone.in_channels and model.reconstruction.decoder.out_channels, and
#   leave out the eleventh of mean, std and bands.
# Command:
#   bash tools/dist_train.sh configs/cmid/r50_s2_13bands.py 4
#
# Differs from r50.py:
#   - reflectances instead of 8 bits, normalized by the statistics of SSL4EO-S12
#     (https://arxiv.org/abs/2211.07044)
#   - a decoder of 13 bands; both losses are means over them
#   - brightness and contrast change band by band, hue and saturation do not; gray is the
#     mean of all bands
#   - views are cut from all pixels of a window of 2.56 km
_base_ = './cmid_resnet50_4xb64-adan-coslr-200e_maid.py'

# For the card of the weights.
bands = [
    'B01', 'B02', 'B03', 'B04', 'B05', 'B06', 'B07', 'B08', 'B8A', 'B09', 'B10', 'B11',
    'B12',
]  # fmt: skip
model = dict(
    backbone=dict(in_channels=13),
    reconstruction=dict(decoder=dict(type='rsp.LinearDecoder', out_channels=13)),
)
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
strong = [
    dict(
        type='RandomApply',
        transforms=[dict(type='rsp.ColorJitter', brightness=0.4, contrast=0.4)],
        prob=0.8,
    ),
    dict(type='rsp.RandomBlur', kernel=(3, 7), sigma=(0.1, 2.0), prob=1.0),
    dict(type='rsp.GaussianNoise', variance=(10.0, 50.0), prob=0.6),
    dict(type='rsp.RandomSolarize', threshold=0.5, prob=0.2),
    dict(type='rsp.RandomGrayscale', prob=0.2),
]
pipeline = [
    dict(
        type='rsp.MaskedTwoCrop',
        size=224,
        transforms=[[], strong],
        mask_patch_size=32,
        mask_ratio=0.6,
        stride=32,
        crop_ratio_range=(0.3, 1.0),
        flip_prob=0.5,
        resize_first=False,
    ),
    dict(type='PackInputs', algorithm_keys=['masks', 'positions']),
]
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='rsp.SceneDataset',
        data_root='data/sentinel2',
        windows=256,
        reflectance=dict(scale=1e-4, value_range=(0, 1)),
        pipeline=pipeline,
    ),
)
custom_hooks = [
    *_base_.custom_hooks[:-1],
    # Red, green and blue.
    dict(type='rsp.ReconstructionHook', interval=1000, bands=(4, 3, 2)),
]
