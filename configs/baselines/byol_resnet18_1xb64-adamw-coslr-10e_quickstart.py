# BYOL, ResNet-18, on the small data set of the repository: minutes on two CPU cores.
# For comparisons at equal compute and for tests.
#
# Source: our own recipe, the views and schedule of MoCo's r18_quickstart.py.
# Expected number: none measured.
# Command:
#   python tools/train.py configs/baselines/byol_r18_quickstart.py
_base_ = './_base_/quickstart.py'

model = dict(
    type='BYOL',
    # The teacher of a run of hundreds of steps cannot average over thousands.
    base_momentum=0.02,
    backbone=dict(type='ResNet', depth=18),
    neck=dict(
        type='NonLinearNeck',
        in_channels=512,
        hid_channels=512,
        out_channels=128,
        num_layers=2,
        with_bias=True,
        with_last_bn=False,
        with_avg_pool=True,
    ),
    head=dict(
        type='LatentPredictHead',
        predictor=dict(
            type='NonLinearNeck',
            in_channels=128,
            hid_channels=512,
            out_channels=128,
            num_layers=2,
            with_bias=True,
            with_last_bn=False,
            with_avg_pool=False,
        ),
        loss=dict(type='CosineSimilarityLoss'),
    ),
)
