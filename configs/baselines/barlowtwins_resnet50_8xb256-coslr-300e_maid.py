# Barlow Twins on Million-AID, by mmpretrain's recipe for ImageNet.
# Method: Zbontar et al., ICML 2021, https://arxiv.org/abs/2103.03230.
#
# Source: mmpretrain, barlowtwins/barlowtwins_resnet50_8xb256-coslr-300e_in1k.py;
#   the images and the loader are all that differs.
# Expected number: none published, none measured.
# Command:
#   bash tools/dist_train.sh configs/baselines/barlowtwins_r50.py 8
_base_ = 'mmpretrain::barlowtwins/barlowtwins_resnet50_8xb256-coslr-300e_in1k.py'
pretrain_data = dict(data_root='data/million_aid', data_prefix='test')
