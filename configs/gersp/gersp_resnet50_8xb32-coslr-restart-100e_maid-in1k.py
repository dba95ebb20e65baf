# GeRSP, ResNet-50, 100 epochs: Huang et al., TGRS 2024, doi:10.1109/TGRS.2024.3354031.
#
# Published numbers of this recipe ("GeRSP" rows; not measured by us):
#   classification table: EuroSAT 97.87 +- 0.15, NWPU-RESISC45 92.67 +- 0.16 top-1
#   Table II, DIOR AP50:  Faster R-CNN 67.1, RetinaNet 67.5, DyHead 71.2
#   Table III, DOTA AP50, horizontal boxes: 65.9, 62.4, 66.1 with the same detectors
#   Table IV, LoveDA mIoU: PSANet 49.53, DeepLabV3+ 49.06
# Hardware: 8x RTX 2080 Ti; the hours were not published. Derived from NVIDIA's and
#   MoCo's published rates: about 46 h on 8x V100 in fp32, 5 h on 8x A100 with --amp.
# Command:
#   bash tools/dist_train.sh configs/gersp/r50.py 8
#
# The recipe is that of the official code. Its text gives another teacher momentum,
# 0.996; that would be `model.teacher.momentum=0.004`.
# Deviations from the official code, and how to undo them with --cfg-options:
#   - the teacher shadows the projector too; there it keeps its initial weights:
#     `model.frozen_key_projector=True`
#   - pairs are drawn anew each epoch; there scene i meets photo i for ever:
#     `train_dataloader.dataset.pairing=modulo`
#   - the teacher starts as a copy of the student; there the two encoders start apart
#   - both file listings are sorted, and sub-folders of the scenes are searched
#   - the last three checkpoints are kept, there all:
#     `default_hooks.checkpoint.max_keep_ckpts=-1`
#   - JPEGs are decoded at 1/2, 1/4 or 1/8 where the crops allow, colors change on floats
#     and are rounded once, there by Pillow, step by step: `exact_pillow=True`
_base_ = [
    '../_base_/datasets/millionaid_in1k.py',
    '../_base_/default_runtime.py',
]

model = dict(
    type='rsp.GeRSP',
    backbone=dict(
        type='ResNet',
        depth=50,
        norm_cfg=dict(type='BN'),
        zero_init_residual=True,
    ),
    neck=dict(type='rsp.Projector', widths=[2048, 2048, 128]),
    head=dict(
        type='ContrastiveHead',
        loss=dict(type='CrossEntropyLoss'),
        temperature=0.07,
    ),
    sup_head=dict(type='rsp.ClassificationHead', num_classes=1000, in_channels=2048),
    queue=dict(dim=128, length=65536),
    # The share of new weights per step: the papers' m is 0.999.
    teacher=dict(momentum=0.001),
    alpha=1.0,
    frozen_key_projector=False,
)

# MoCo v1's augmentation, for scenes and photos alike.
view = [
    dict(
        type='RandomResizedCrop',
        scale=224,
        crop_ratio_range=(0.2, 1.0),
        backend='pillow',
    ),
    # Images are BGR here.
    dict(
        type='RandomGrayscale',
        prob=0.2,
        keep_channels=True,
        channel_weights=(0.114, 0.587, 0.2989),
    ),
    dict(type='rsp.ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.4),
    dict(type='RandomFlip', prob=0.5),
]
scene_pipeline = [
    dict(type='rsp.LoadViews', num_views=2, transforms=[view]),
    dict(type='rsp.PackViews'),
]
photo_pipeline = [
    dict(type='rsp.LoadView', transforms=view),
    dict(type='rsp.PackViews'),
]
train_dataloader = dict(
    batch_size=32,
    dataset=dict(
        sources=dict(
            remote=dict(pipeline=scene_pipeline),
            natural=dict(pipeline=photo_pipeline),
        ),
    ),
)

# Weight decay reaches batch norm and biases too: no paramwise_cfg.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.007, momentum=0.9, weight_decay=5e-4),
)
# Five cosines from 0.007 towards 0.001, constant within an epoch. The floor is a ratio
# so that --auto-scale-lr scales it too.
param_scheduler = dict(
    type='CosineRestartLR',
    periods=[20] * 5,
    restart_weights=[1] * 5,
    eta_min_ratio=1 / 7,
    by_epoch=True,
)
train_cfg = dict(by_epoch=True, max_epochs=100)
auto_scale_lr = dict(base_batch_size=256)
