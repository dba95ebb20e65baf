# CMID with a small ViT, 64 pixels, on the small data set of the repository. For a first
# look; no finished run has been measured yet.
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
    # With weights of 1 the ResNet-18 hardly began to reconstruct in its minutes.
    loss_weights=dict(loss_spatial=10.0, loss_frequency=10.0),
)
memory_format = 'contiguous'
