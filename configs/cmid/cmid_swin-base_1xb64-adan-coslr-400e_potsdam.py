# CMID, Swin-B, 400 epochs of Potsdam: Muhtar et al., TGRS 2023,
# https://arxiv.org/abs/2304.09670.
#
# Expected number: weights were released without any, and none are ours yet.
# Hardware: one GPU, 64 images; model and hours were not published.
# Data and learning rate: as r50_potsdam.py; model: as swin_b.py.
# Command:
#   python tools/train.py configs/cmid/swin_b_potsdam.py
_base_ = './cmid_resnet50_1xb64-adan-coslr-400e_potsdam.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='rsp.MaskedSwinTransformer',
        arch='base',
        img_size=224,
        drop_path_rate=0.0,
        stage_cfgs=dict(block_cfgs=dict(window_size=7)),
    ),
    reconstruction=dict(decoder=dict(in_channels=1024)),
    neck=dict(widths=[1024, 2048, 256]),
    local_neck=dict(in_channels=1024, norm_cfg=None),
)
sync_bn = None
memory_format = 'contiguous'
