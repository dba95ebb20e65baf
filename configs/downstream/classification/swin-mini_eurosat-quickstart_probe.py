# kNN and linear probe of the small Swin that CMID's quick start trains, on the land-use
# scenes of the quick start: 800 images to fit, 800 to score, 10 classes, 64 px.
#
# Source: our own protocol. kNN as in https://arxiv.org/abs/1805.01978, Sec. 3.4.
# Expected number: see configs/cmid/README.md.
# Cost: about 20 s on one CPU core.
# Command:
#   python tools/test.py \
#       configs/downstream/classification/swin-mini_eurosat-quickstart_probe.py \
#       work_dirs/cmid/swin_mini_quickstart/epoch_24.pth
#
# A randomly initialized backbone: `random` for the checkpoint.
_base_ = './_base_/recipes/quickstart_probe.py'

model = dict(
    backbone=dict(
        type='SwinTransformer',
        arch=dict(embed_dims=64, depths=[2, 2], num_heads=[4, 8]),
        img_size=64,
        out_indices=(1,),
        window_size=4,
        patch_cfg=dict(kernel_size=8, stride=8, norm_cfg=None),
    ),
    # CMID's statistics.
    data_preprocessor=dict(
        mean=[86.18235, 91.9275, 85.374],
        std=[34.6545, 34.476, 35.8785],
    ),
)
