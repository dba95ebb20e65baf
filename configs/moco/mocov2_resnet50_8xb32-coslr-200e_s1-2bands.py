# MoCo v2, ResNet-50, VV and VH of Sentinel-1 scenes. Our own recipe: that of
# r50_s2_13bands.py on radar.
#
# Expected number: none published for this recipe, and none of ours yet.
# Hardware: as v2_r50_maid.py; the scenes are read while training.
# Data: any number of Sentinel-1 scenes below data/sentinel1, detected and geocoded (GRD,
#   or RTC), backscatter in decibels as floats, VV the first band and VH the second.
#   Backscatter as power, 0 to about 1: convert it, v to 10 log10(v); gdal_calc.py does.
# Command:
#   bash tools/dist_train.sh configs/moco/r50_s1.py 8
#
# Differs from r50_s2_13bands.py:
#   - decibels, normalized by the statistics of SSL4EO-S12
#     (https://arxiv.org/abs/2211.07044); black is -25 in VV and -32.5 in VH, white is 0
#   - no blur: speckle is what tells many surfaces apart
_base_ = './mocov2_resnet50_8xb32-coslr-200e_s2-13bands.py'

bands = ['VV', 'VH']
model = dict(backbone=dict(in_channels=2))
data_preprocessor = dict(mean=[-12.548, -20.192], std=[5.257, 5.912])
jitter = dict(type='rsp.ColorJitter', brightness=0.4, contrast=0.4)
view = [
    dict(type='RandomResizedCrop', scale=224, crop_ratio_range=(0.2, 1.0)),
    dict(type='RandomApply', transforms=[jitter], prob=0.8),
    dict(type='rsp.RandomGrayscale', prob=0.2),
    dict(type='RandomFlip', prob=0.5),
]
pipeline = [
    dict(type='MultiView', num_views=2, transforms=[view]),
    dict(type='PackInputs'),
]
train_dataloader = dict(
    dataset=dict(
        data_root='data/sentinel1',
        bands=[1, 2],
        reflectance=dict(scale=1.0, value_range=[(-25.0, 0.0), (-32.5, 0.0)]),
        pipeline=pipeline,
    ),
)
