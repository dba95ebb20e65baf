# GeRSP, ResNet-18, for one small GPU. Our own scaling of the published recipe.
#
# Expected number: no published number, and none of ours yet.
# Hardware: one GPU; hours not measured. A run sees as many images as the ResNet-50 one
#   at about 4/9 of its arithmetic (1.8 against 4.1 GFLOPs).
# Command:
#   python tools/train.py configs/gersp/r18.py
#
# Differences from the ResNet-50 recipe: one process, 64 pairs a step, hence a quarter
# of the learning rate (floor included), and the widths of the backbone's 512 features.
_base_ = './gersp_resnet50_8xb32-coslr-restart-100e_maid-in1k.py'

model = dict(
    backbone=dict(depth=18),
    neck=dict(widths=[512, 512, 128]),
    sup_head=dict(in_channels=512),
)
train_dataloader = dict(batch_size=64)
optim_wrapper = dict(optimizer=dict(lr=0.00175))
auto_scale_lr = dict(base_batch_size=64)
