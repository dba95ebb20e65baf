# SimSiam on Million-AID, by mmpretrain's recipe for ImageNet.
# Method: Chen and He, CVPR 2021, https://arxiv.org/abs/2011.10566.
#
# Source: mmpretrain, simsiam/simsiam_resnet50_8xb32-coslr-200e_in1k.py;
#   the images and the loader are all that differs.
# Expected number: none published, none measured.
# Command:
#   bash tools/dist_train.sh configs/baselines/simsiam_r50.py 8
_base_ = 'mmpretrain::simsiam/simsiam_resnet50_8xb32-coslr-200e_in1k.py'
pretrain_data = dict(data_root='data/million_aid', data_prefix='test')

auto_scale_lr = dict(base_batch_size=256)
