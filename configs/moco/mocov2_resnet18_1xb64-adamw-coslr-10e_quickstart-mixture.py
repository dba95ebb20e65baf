# MoCo v2, ResNet-18, on scenes and photos of the small data set as one pool: the
# "MoCo-IN-MAID" row of GeRSP's tables at the size of a CPU.
#
# Source: our own recipe, r18_quickstart.py with the photos among the images.
# Expected number: none measured.
# Command:
#   python tools/train.py configs/moco/r18_quickstart_mixture.py
_base_ = './mocov2_resnet18_1xb64-adamw-coslr-10e_quickstart.py'

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[
            dict(
                type='rsp.ImageFolder',
                data_root='data/quickstart',
                data_prefix=prefix,
                with_label=False,
                pipeline=_base_.pipeline,
            )
            for prefix in ('remote', 'natural')
        ],
    )
)
