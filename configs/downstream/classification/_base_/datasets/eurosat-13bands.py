# EuroSAT in all 13 bands of Sentinel-2, level 1C, 16 bits: the scenes of eurosat.py, split
# alike. Helber et al., JSTARS 2019, https://doi.org/10.1109/JSTARS.2019.2918242.
#
# Layout: data/eurosat-13bands/EuroSAT_MS/<Class>/<Class>_<number>.tif, as the archive
#   EuroSAT_MS.zip unpacks.
# Split: follows from a seed; tools/dataset_tools/make_splits.py eurosat-13bands writes its
#   lists
classes = (
    'AnnualCrop',
    'Forest',
    'HerbaceousVegetation',
    'Highway',
    'Industrial',
    'Pasture',
    'PermanentCrop',
    'Residential',
    'River',
    'SeaLake',
)
train_data = dict(
    type='rsp.SceneBenchmark',
    benchmark='eurosat-13bands',
    split='train',
    data_root='data/eurosat-13bands',
    data_prefix='EuroSAT_MS',
    metainfo=dict(classes=classes),
)
test_data = dict(
    type='rsp.SceneBenchmark',
    benchmark='eurosat-13bands',
    split='test',
    data_root='data/eurosat-13bands',
    data_prefix='EuroSAT_MS',
    metainfo=dict(classes=classes),
)

# What the network sees: compared with the card of the backbone.
bands = [
    'B01', 'B02', 'B03', 'B04', 'B05', 'B06', 'B07', 'B08', 'B8A', 'B09', 'B10', 'B11',
    'B12',
]  # fmt: skip
load = dict(
    type='rsp.LoadGeoTiff',
    # The files have B8A last; the recipes for Sentinel-2 have it after B08.
    bands=[1, 2, 3, 4, 5, 6, 7, 8, 13, 9, 10, 11, 12],
    reflectance=dict(scale=1e-4, value_range=(0, 1)),
    shown=(4, 3, 2),
)
# Of SSL4EO-S12, as in pre-training (configs/moco/r50_s2_13bands.py and others).
model_of_13_bands = dict(
    backbone=dict(in_channels=13),
    data_preprocessor=dict(
        mean=[
            0.16056, 0.13908, 0.13149, 0.13635, 0.15494, 0.20917, 0.23717, 0.22999,
            0.25603, 0.08301, 0.00221, 0.21772, 0.15241,
        ],
        std=[
            0.07868, 0.08503, 0.08751, 0.11388, 0.11222, 0.11616, 0.12744, 0.12484,
            0.13455, 0.05773, 0.00512, 0.13361, 0.11365,
        ],
        to_rgb=False,
    ),
)  # fmt: skip
scoring_pipeline = [
    load,
    dict(type='ResizeEdge', scale=256, edge='short', interpolation='bicubic'),
    dict(type='CenterCrop', crop_size=224),
    dict(type='PackInputs'),
]
