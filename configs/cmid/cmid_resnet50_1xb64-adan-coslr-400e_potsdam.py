# CMID, ResNet-50, 400 epochs of Potsdam: Muhtar et al., TGRS 2023,
# https://arxiv.org/abs/2304.09670.
#
# Expected number: weights were released without any, and none are ours yet. A user who
#   repeated the paper's Potsdam study stayed about 2 points below it.
# Hardware: one GPU, 64 images; model and hours were not published.
# Data: 38 scenes, each cut into 24 x 24 tiles of 256 pixels, 21,888 in all:
#   python tools/dataset_tools/cut_tiles.py 2_Ortho_RGB data/potsdam_tiles
# Command:
#   python tools/train.py configs/cmid/r50_potsdam.py
#
# As for Million-AID, with the learning rate the paper gives for 64 images.
_base_ = './cmid_resnet50_4xb64-adan-coslr-200e_maid.py'

# data/potsdam_tiles/*.png
train_dataloader = dict(
    dataset=dict(dataset=dict(data_root='data/potsdam_tiles', data_prefix=''))
)
optim_wrapper = dict(optimizer=dict(lr=0.003125))
param_scheduler = [
    dict(
        type='rsp.WarmupLR',
        start_factor=0.01,
        by_epoch=True,
        begin=0,
        end=10,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR',
        eta_min_ratio=3.2e-4,
        by_epoch=True,
        begin=0,
        end=400,
        T_max=400,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(max_epochs=400)
auto_scale_lr = dict(base_batch_size=64)
