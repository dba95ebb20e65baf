# GeRSP, ResNet-18, on the small data set of the repository, with less of photos than
# published: four scenes for each, and a fifth of the weight. Ten kinds of clothing are no
# ImageNet; so few photos at full weight cost what they give (docs/comparison.md).
#
# Source: our own recipe, r18_quickstart.py with two numbers changed.
# Expected number: docs/comparison.md, trained nearly twice as long.
# Cost: 372 steps of 64 scenes (two views) and 16 photos.
# Command:
#   python tools/train.py configs/gersp/r18_quickstart_4to1.py
_base_ = './gersp_resnet18_1xb64-adamw-coslr-10e_quickstart.py'

model = dict(alpha=0.2)
train_dataloader = dict(batch_size=16, dataset=dict(ratio=dict(remote=4)))
# An epoch goes once through the 1,000 photos, and through 4,000 scenes.
train_cfg = dict(max_epochs=6)
param_scheduler = [
    _base_.param_scheduler[0],
    dict(_base_.param_scheduler[1], T_max=6, end=6),
]
auto_scale_lr = dict(base_batch_size=16)
default_hooks = dict(checkpoint=dict(interval=6))
