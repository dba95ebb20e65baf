# GeoKR, ResNet-50, Sentinel-2 scenes over ESA WorldCover: the open substitute of
# Levir-KR. Our own choice of data, the recipe of r50.py.
#
# Expected number: none published, and none of ours yet.
# Hardware: as r50.py.
# Data: any number of Sentinel-2 scenes (GeoTIFF, COG or JPEG 2000; bands in the order B1,
#   B2, B3, B4, ...) below data/sentinel2, and the WorldCover tiles that they touch below
#   data/worldcover (https://esa-worldcover.org, CC BY 4.0). No label has to be made:
#   every window is asked by its own footprint.
# Command:
#   python tools/train.py configs/geokr/r50_s2.py
#
# Windows of 2.56 km instead of the 0.2 to 4 km of Gaofen's. Red, green and blue, stretched
# to 8 bits and rejected by the published rules. For all bands: r50_s2_13bands.py.
_base_ = './geokr_resnet50_1xb8-adam-steplr-10e_levir-kr.py'

view = [
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='RandomFlip', prob=0.5, direction='vertical'),
    dict(type='rsp.RandomRotate90', prob=0.5),
    dict(
        type='rsp.ColorJitter',
        brightness=[0.7, 1.3],
        contrast=[0.5, 1.5],
        saturation=[0.5, 1.5],
        hue=[-0.3, 0.3],
    ),
    # Windows have that size.
    dict(type='Resize', scale=(256, 256)),
]
pipeline = [dict(type='rsp.SingleView', transforms=view), dict(type='PackInputs')]
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='rsp.SceneDataset',
        data_root='data/sentinel2',
        windows=256,
        # Red, green, blue.
        bands=[4, 3, 2],
        rejection=dict(rules=True, min_coverage=0.5),
        land_cover=dict(rasters='data/worldcover', class_map='worldcover'),
        classes=_base_.classes,
        pipeline=pipeline,
    ),
)
