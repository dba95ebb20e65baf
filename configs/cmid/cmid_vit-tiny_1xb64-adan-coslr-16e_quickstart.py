# CMID with a small ViT, 64 pixels, on the small data set of the repository. For tests of
# the whole chain: in these minutes it learns nothing that the probes see, while the small
# Swin of swin_mini_quickstart.py does; README.md tells why.
#
# Source: our own recipe.
# Expected number: one seed, top-1 of a kNN and a linear probe 52.9 and 58.8 against 53.6
#   and 62.5 of random weights; hidden pixels' error 1.00 of that of their mean fill.
# Cost: 592 steps of 64 scenes (two views); 25 minutes of one CPU core beside other work.
# Command:
#   python tools/train.py configs/cmid/vit_t_quickstart.py
_base_ = './cmid_resnet18_1xb64-adan-coslr-16e_quickstart.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='rsp.MaskedVisionTransformer',
        arch=dict(embed_dims=128, num_layers=6, num_heads=4, feedforward_channels=512),
        img_size=64,
        patch_size=8,
    ),
    reconstruction=dict(decoder=dict(in_channels=128, encoder_stride=8)),
    neck=dict(widths=[128, 256, 128]),
    local_neck=dict(in_channels=128, norm_cfg=None),
    num_matches=26,
    # A transformer takes longer than a convolution to see what lies beside a patch.
    loss_weights=dict(loss_spatial=100.0, loss_frequency=100.0),
)
pipeline = [
    dict(type='rsp.LoadImageFromFile', min_size=64),
    dict(
        type='rsp.MaskedTwoCrop',
        size=64,
        transforms=[[], _base_.strong],
        mask_patch_size=8,
        mask_ratio=0.6,
        stride=8,
    ),
    dict(type='PackInputs', algorithm_keys=['masks', 'positions']),
]
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=pipeline)))
memory_format = 'contiguous'
