# CMID with a small ViT, 64 pixels, on the small data set of the repository. For a first
# look; what it reaches: README.md of this folder.
#
#   python tools/train.py configs/cmid/vit_t_quickstart.py
_base_ = './cmid_resnet18_1xb64-adan-coslr-16e_quickstart.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='rsp.MaskedVisionTransformer',
        arch=dict(embed_dims=128, num_layers=6, num_heads=4, feedforward_channels=512),
        img_size=64,
        patch_size=16,
    ),
    reconstruction=dict(decoder=dict(in_channels=128)),
    neck=dict(widths=[128, 256, 128]),
    local_neck=dict(in_channels=128, norm_cfg=None),
)
memory_format = 'contiguous'
