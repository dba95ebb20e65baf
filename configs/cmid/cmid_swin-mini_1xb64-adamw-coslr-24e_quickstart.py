# CMID, a small Swin transformer, 64 pixels, on the small data set of the repository:
# learns something in minutes on a CPU. For a first look and for tests of the whole chain,
# not for weights.
#
# Source: our own recipe.
# Expected number: two seeds, top-1 of a kNN and a linear probe 66.6 and 69.4 against
#   50.0 and 54.0 of random weights; error of hidden pixels 0.89 of that of their mean
#   fill. More in README.md.
# Cost: 888 steps of 64 scenes (two views); 9.7 minutes of one CPU core's time.
# Command:
#   python tools/train.py configs/cmid/swin_mini_quickstart.py
_base_ = './cmid_resnet18_1xb64-adan-coslr-16e_quickstart.py'

# Two blocks on 8 x 8 and two on 4 x 4 patches, in windows of 4. Its places are relative, so
# that what one patch teaches about its neighbors holds for all.
model = dict(
    backbone=dict(
        _delete_=True,
        type='rsp.MaskedSwinTransformer',
        arch=dict(embed_dims=64, depths=[2, 2], num_heads=[4, 8]),
        img_size=64,
        out_indices=(1,),
        drop_path_rate=0.0,
        # A patch is masked or visible as a whole. Without the usual norm, which would
        # take the brightness away.
        patch_cfg=dict(kernel_size=8, stride=8, norm_cfg=None),
        stage_cfgs=dict(block_cfgs=dict(window_size=4)),
        pytorch_init=True,
    ),
    # Else most of the minutes go by until it can repeat the mean color that it sees.
    reconstruction=dict(residual=True),
    # Batch norm, which the backbone lacks, speeds up both contrasts: MoCo v3 has it in
    # its projectors too. The local neck keeps that of the ResNet.
    neck=dict(
        _delete_=True,
        type='NonLinearNeck',
        in_channels=128,
        hid_channels=256,
        out_channels=128,
        num_layers=2,
        with_avg_pool=False,
        with_last_bn_affine=False,
        norm_cfg=dict(type='BN1d'),
    ),
    loss_weights=dict(loss_spatial=1.0, loss_frequency=1.0),
)

optim_wrapper = dict(
    optimizer=dict(
        _delete_=True, type='AdamW', lr=0.002, betas=(0.9, 0.95), weight_decay=0.05
    ),
)
train_cfg = dict(max_epochs=24)
param_scheduler = [
    dict(
        type='rsp.WarmupLR',
        start_factor=0.01,
        by_epoch=True,
        begin=0,
        end=2,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR',
        eta_min_ratio=3.2e-4,
        by_epoch=True,
        begin=0,
        end=24,
        T_max=24,
        convert_to_iter_based=True,
    ),
]
