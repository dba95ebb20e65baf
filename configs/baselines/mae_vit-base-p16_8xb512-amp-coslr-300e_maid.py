# MAE on Million-AID, by mmpretrain's recipe for ImageNet.
# Method: He et al., CVPR 2022, https://arxiv.org/abs/2111.06377.
#
# Source: mmpretrain, mae/mae_vit-base-p16_8xb512-amp-coslr-300e_in1k.py;
#   the images and the loader differ, and the 16 bits are bfloat16 where a GPU has it.
# Expected number: none published, none measured.
# Command:
#   bash tools/dist_train.sh configs/baselines/mae_vit_b.py 8
_base_ = 'mmpretrain::mae/mae_vit-base-p16_8xb512-amp-coslr-300e_in1k.py'
pretrain_data = dict(data_root='data/million_aid', data_prefix='test')
optim_wrapper = dict(
    _delete_=True,
    type='rsp.MixedPrecisionOptimWrapper',
    optimizer=_base_.optim_wrapper.optimizer,
    paramwise_cfg=_base_.optim_wrapper.paramwise_cfg,
)
# The base resumes by itself; here --resume does.
resume = False
