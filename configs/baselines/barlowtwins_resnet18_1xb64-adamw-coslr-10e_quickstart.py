# Barlow Twins, ResNet-18, on the small data set of the repository: minutes on two
# CPU cores.
# For comparisons at equal compute and for tests.
#
# Source: our own recipe, the views and schedule of MoCo's r18_quickstart.py.
# Expected number: none measured.
# Command:
#   python tools/train.py configs/baselines/barlowtwins_r18_quickstart.py
_base_ = './_base_/quickstart.py'

model = dict(
    type='BarlowTwins',
    backbone=dict(type='ResNet', depth=18),
    neck=dict(
        type='NonLinearNeck',
        in_channels=512,
        hid_channels=512,
        out_channels=512,
        num_layers=3,
        with_last_bn=False,
        with_last_bn_affine=False,
        with_avg_pool=True,
    ),
    head=dict(
        type='LatentCrossCorrelationHead',
        in_channels=512,
        loss=dict(type='CrossCorrelationLoss'),
    ),
)
