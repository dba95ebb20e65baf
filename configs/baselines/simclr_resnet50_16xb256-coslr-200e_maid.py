# SimCLR on Million-AID, by mmpretrain's recipe for ImageNet.
# Method: Chen et al., ICML 2020, https://arxiv.org/abs/2002.05709.
#
# Source: mmpretrain, simclr/simclr_resnet50_16xb256-coslr-200e_in1k.py;
#   the images and the loader are all that differs.
# Expected number: none published, none measured.
# Command:
#   bash tools/dist_train.sh configs/baselines/simclr_r50.py 16
_base_ = 'mmpretrain::simclr/simclr_resnet50_16xb256-coslr-200e_in1k.py'
pretrain_data = dict(data_root='data/million_aid', data_prefix='test')

auto_scale_lr = dict(base_batch_size=4096)
