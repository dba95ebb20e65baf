# BYOL on Million-AID, by mmpretrain's recipe for ImageNet.
# Method: Grill et al., NeurIPS 2020, https://arxiv.org/abs/2006.07733.
#
# Source: mmpretrain, byol/byol_resnet50_16xb256-coslr-200e_in1k.py;
#   the images and the loader are all that differs.
# Expected number: none published, none measured.
# Command:
#   bash tools/dist_train.sh configs/baselines/byol_r50.py 16
_base_ = 'mmpretrain::byol/byol_resnet50_16xb256-coslr-200e_in1k.py'
pretrain_data = dict(data_root='data/million_aid', data_prefix='test')
