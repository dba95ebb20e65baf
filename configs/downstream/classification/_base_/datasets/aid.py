# AID, 30 classes, 10,000 images of 600 px at 0.5 to 8 m; 2:8 in every class.
# Xia et al., TGRS 2017, https://doi.org/10.1109/TGRS.2017.2685945.
#
# Layout: data/aid/AID/<Class>/<class>_<number>.jpg
# Split: follows from a seed; tools/dataset_tools/make_splits.py aid writes its lists
classes = (
    'Airport',
    'BareLand',
    'BaseballField',
    'Beach',
    'Bridge',
    'Center',
    'Church',
    'Commercial',
    'DenseResidential',
    'Desert',
    'Farmland',
    'Forest',
    'Industrial',
    'Meadow',
    'MediumResidential',
    'Mountain',
    'Park',
    'Parking',
    'Playground',
    'Pond',
    'Port',
    'RailwayStation',
    'Resort',
    'River',
    'School',
    'SparseResidential',
    'Square',
    'Stadium',
    'StorageTanks',
    'Viaduct',
)
train_data = dict(
    type='rsp.SceneBenchmark',
    benchmark='aid',
    split='train',
    data_root='data/aid',
    data_prefix='AID',
    metainfo=dict(classes=classes),
)
test_data = dict(
    type='rsp.SceneBenchmark',
    benchmark='aid',
    split='test',
    data_root='data/aid',
    data_prefix='AID',
    metainfo=dict(classes=classes),
)
