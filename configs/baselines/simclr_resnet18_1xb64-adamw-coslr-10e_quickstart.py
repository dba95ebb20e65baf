# SimCLR, ResNet-18, on the small data set of the repository: minutes on two CPU cores.
# For comparisons at equal compute and for tests.
#
# Source: our own recipe, the views and schedule of MoCo's r18_quickstart.py.
# Expected number: none measured.
# Command:
#   python tools/train.py configs/baselines/simclr_r18_quickstart.py
_base_ = './_base_/quickstart.py'

model = dict(
    type='SimCLR',
    backbone=dict(type='ResNet', depth=18),
    neck=dict(
        type='NonLinearNeck',
        in_channels=512,
        hid_channels=512,
        out_channels=128,
        num_layers=2,
        with_avg_pool=True,
    ),
    head=dict(
        type='ContrastiveHead',
        loss=dict(type='CrossEntropyLoss'),
        temperature=0.1,
    ),
)
