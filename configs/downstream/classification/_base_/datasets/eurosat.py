# EuroSAT (RGB), 10 classes, 27,000 images of 64 px at 10 m; 8:2 in every class.
# Helber et al., JSTARS 2019, https://doi.org/10.1109/JSTARS.2019.2918242.
# Random tiles of few large scenes: neighbors lie on both sides of the split.
#
# Layout: data/eurosat/2750/<Class>/<Class>_<number>.jpg
# Split: follows from a seed; tools/dataset_tools/make_splits.py eurosat writes its lists
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
    benchmark='eurosat',
    split='train',
    data_root='data/eurosat',
    data_prefix='2750',
    metainfo=dict(classes=classes),
)
test_data = dict(
    type='rsp.SceneBenchmark',
    benchmark='eurosat',
    split='test',
    data_root='data/eurosat',
    data_prefix='2750',
    metainfo=dict(classes=classes),
)
