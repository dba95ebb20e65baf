# MAE, a small ViT, on the small data set of the repository: minutes on two CPU cores.
# For comparisons at equal compute and for tests.
#
# Source: our own recipe, the data and schedule of MoCo's r18_quickstart.py.
# Expected number: none measured.
# Command:
#   python tools/train.py configs/baselines/mae_vit_t_quickstart.py
_base_ = './_base_/quickstart.py'

model = dict(
    type='MAE',
    backbone=dict(
        type='MAEViT',
        arch=dict(embed_dims=128, num_layers=6, num_heads=4, feedforward_channels=512),
        img_size=32,
        patch_size=4,
        mask_ratio=0.75,
    ),
    neck=dict(
        type='MAEPretrainDecoder',
        num_patches=64,
        patch_size=4,
        in_chans=3,
        embed_dim=128,
        decoder_embed_dim=64,
        decoder_depth=2,
        decoder_num_heads=4,
        mlp_ratio=4.0,
    ),
    head=dict(
        type='MAEPretrainHead',
        norm_pix=True,
        patch_size=4,
        loss=dict(type='PixelReconstructionLoss', criterion='L2'),
    ),
)

# One view, and its colors as they are.
view = [
    dict(type='RandomResizedCrop', scale=32, crop_ratio_range=(0.2, 1.0)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomFlip', prob=0.5, direction='vertical'),
]
pipeline = [dict(type='rsp.LoadView', transforms=view), dict(type='PackInputs')]
train_dataloader = dict(dataset=dict(pipeline=pipeline))
memory_format = 'contiguous'
