# GeRSP, ResNet-50, all 13 bands of Sentinel-2 scenes beside ImageNet's photos. Our own
# recipe: what the published one, r50.py, becomes for scenes that are no photographs.
#
# Expected number: none published, and none of ours yet.
# Hardware: as r50.py; the scenes are read while training.
# Data: any number of Sentinel-2 scenes of level 1C (GeoTIFF, COG or JPEG 2000; bands in
#   the order B1 to B8, B8A, B9 to B12) below data/sentinel2. Level 2A lacks B10: set
#   model.backbone.in_channels=12 and leave out the eleventh of mean, std and bands. The
#   photos as in r50.py.
# Command:
#   bash tools/dist_train.sh configs/gersp/r50_s2_13bands.py 8
#
# Differs from r50.py:
#   - photos have a first layer of their own, and share the other 52 with the scenes; what
#     is exported has the scenes'
#   - reflectances instead of 8 bits, normalized by the statistics of SSL4EO-S12
#     (https://arxiv.org/abs/2211.07044); the photos' normalization is ImageNet's
#   - brightness and contrast of scenes change band by band, hue and saturation do not;
#     gray is the mean of all bands
_base_ = './gersp_resnet50_8xb32-coslr-restart-100e_maid-in1k.py'

# For the card of the weights.
bands = [
    'B01', 'B02', 'B03', 'B04', 'B05', 'B06', 'B07', 'B08', 'B8A', 'B09', 'B10', 'B11',
    'B12',
]  # fmt: skip
model = dict(backbone=dict(in_channels=13), source_stems=dict(natural=3))
data_preprocessor = dict(
    mean=[
        0.16056, 0.13908, 0.13149, 0.13635, 0.15494, 0.20917, 0.23717, 0.22999, 0.25603,
        0.08301, 0.00221, 0.21772, 0.15241,
    ],
    std=[
        0.07868, 0.08503, 0.08751, 0.11388, 0.11222, 0.11616, 0.12744, 0.12484, 0.13455,
        0.05773, 0.00512, 0.13361, 0.11365,
    ],
    to_rgb=False,
    sources=dict(
        natural=dict(
            mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True
        )
    ),
)  # fmt: skip
view = [
    dict(type='RandomResizedCrop', scale=224, crop_ratio_range=(0.2, 1.0)),
    dict(type='rsp.RandomGrayscale', prob=0.2),
    dict(type='rsp.ColorJitter', brightness=0.4, contrast=0.4),
    dict(type='RandomFlip', prob=0.5),
]
train_dataloader = dict(
    dataset=dict(
        sources=dict(
            remote=dict(
                _delete_=True,
                type='rsp.SceneDataset',
                data_root='data/sentinel2',
                windows=256,
                reflectance=dict(scale=1e-4, value_range=(0, 1)),
                pipeline=[
                    dict(type='MultiView', num_views=2, transforms=[view]),
                    dict(type='PackInputs'),
                ],
            ),
        ),
    ),
)
