# UC Merced Land Use, 21 classes of 100 images of 256 px at 0.3 m; 8:2 in every class.
# Yang, Newsam, ACM GIS 2010, https://doi.org/10.1145/1869790.1869829.
#
# Layout: data/ucm/UCMerced_LandUse/Images/<class>/<class><number>.tif
# Split: follows from a seed; tools/dataset_tools/make_splits.py ucm writes its lists
classes = (
    'agricultural',
    'airplane',
    'baseballdiamond',
    'beach',
    'buildings',
    'chaparral',
    'denseresidential',
    'forest',
    'freeway',
    'golfcourse',
    'harbor',
    'intersection',
    'mediumresidential',
    'mobilehomepark',
    'overpass',
    'parkinglot',
    'river',
    'runway',
    'sparseresidential',
    'storagetanks',
    'tenniscourt',
)
train_data = dict(
    type='rsp.SceneBenchmark',
    benchmark='ucm',
    split='train',
    data_root='data/ucm',
    data_prefix='UCMerced_LandUse/Images',
    metainfo=dict(classes=classes),
)
test_data = dict(
    type='rsp.SceneBenchmark',
    benchmark='ucm',
    split='test',
    data_root='data/ucm',
    data_prefix='UCMerced_LandUse/Images',
    metainfo=dict(classes=classes),
)
