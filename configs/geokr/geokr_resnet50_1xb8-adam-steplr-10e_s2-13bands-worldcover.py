# GeoKR, ResNet-50, all 13 bands of Sentinel-2 scenes over ESA WorldCover. Our own recipe:
# what the published one becomes for images that are no photographs.
#
# Expected number: none published, and none of ours yet.
# Hardware: as r50.py.
# Data: as r50_s2.py, level 1C with 13 bands (12 at level 2A: set model.backbone.
#   in_channels=12).
# Command:
#   python tools/train.py configs/geokr/r50_s2_13bands.py
#
# Reflectances instead of 8 bits, so neither color jitter nor the rules for 8-bit
# windows. ImageNet's first layer is spread over the bands; the load report says so.
_base_ = './geokr_resnet50_1xb8-adam-steplr-10e_levir-kr.py'

inflate_stem = True
model = dict(backbone=dict(in_channels=13))
# Reflectances lie between 0 and 1 as they are.
data_preprocessor = dict(
    type='rsp.BandDataPreprocessor', mean=None, std=None, to_rgb=False
)
pipeline = [
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='RandomFlip', prob=0.5, direction='vertical'),
    dict(type='rsp.RandomRotate90', prob=0.5),
    dict(type='PackInputs'),
]
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='rsp.SceneDataset',
        data_root='data/sentinel2',
        windows=256,
        reflectance=dict(scale=1e-4),
        rejection=dict(min_coverage=0.5),
        land_cover=dict(rasters='data/worldcover', class_map='worldcover'),
        classes=_base_.classes,
        pipeline=pipeline,
    ),
)
