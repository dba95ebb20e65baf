# CMID with a small ViT, 64 pixels, on the small data set of the repository. For a first
# look; what it reaches: README.md of this folder.
#
#   python tools/train.py configs/cmid/vit_t_quickstart.py
_base_ = './r18_quickstart.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='rsp.MaskedVisionTransformer',
        arch=dict(
            embed_dims=192, num_layers=6, num_heads=3, feedforward_channels=768
        ),
        img_size=64,
        patch_size=8,
    ),
    reconstruction=dict(decoder=dict(in_channels=192)),
    neck=dict(widths=[192, 512, 128]),
    local_neck=dict(in_channels=192, norm_cfg=None),
)
memory_format = 'contiguous'
