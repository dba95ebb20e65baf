# MoCo v1 on natural images, ResNet-50, 200 epochs: the "MoCo-IN" rows of GeRSP's
# tables. Method: He et al., CVPR 2020, https://arxiv.org/abs/1911.05722.
#
# Published numbers (GeRSP, TGRS 2024, doi:10.1109/TGRS.2024.3354031; not measured by
# us, and how the authors trained this baseline is not known):
#   classification table: EuroSAT 97.55 +- 0.29, NWPU-RESISC45 90.77 +- 0.19 top-1
#   Table II, DIOR AP50:  Faster R-CNN 65.9, RetinaNet 63.5, DyHead 69.8
#   Table III, DOTA AP50, horizontal boxes: 63.9, 58.9, 63.2 with the same detectors
#   Table IV, LoveDA mIoU: PSANet 48.54, DeepLabV3+ 46.64
# Hardware: about 53 h on 8x V100 in fp32 (MoCo's README, for v2, whose steps cost the
#   same).
# Command:
#   bash tools/dist_train.sh configs/moco/r50_in1k.py 8
#
# Recipe: MoCo's own for v1 (rate 0.03, a tenth at epochs 120 and 160). JPEGs are decoded
# at 1/2, 1/4 or 1/8 where the crops allow, and colors rounded once: `exact_pillow=True`
# takes Pillow's.
_base_ = ['../_base_/datasets/views.py', '../_base_/default_runtime.py']

model = dict(
    type='rsp.MoCo',
    queue_len=65536,
    feat_dim=128,
    # The share of new weights per step: the paper's m is 0.999.
    momentum=0.001,
    backbone=dict(
        type='ResNet',
        depth=50,
        norm_cfg=dict(type='BN'),
        zero_init_residual=False,
    ),
    neck=dict(
        type='LinearNeck',
        in_channels=2048,
        out_channels=128,
        gap_dim=2,
        norm_cfg=None,
    ),
    head=dict(
        type='ContrastiveHead',
        loss=dict(type='CrossEntropyLoss'),
        temperature=0.07,
    ),
)

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
pipeline = [
    dict(type='rsp.LoadViews', num_views=2, transforms=[view]),
    dict(type='rsp.PackViews'),
]
train_dataloader = dict(
    batch_size=32,
    dataset=dict(
        type='rsp.ImageFolder',
        data_root='data/ImageNet',
        data_prefix='train',
        with_label=False,
        pipeline=pipeline,
    ),
)

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.03, momentum=0.9, weight_decay=1e-4),
)
param_scheduler = dict(
    type='MultiStepLR', by_epoch=True, milestones=[120, 160], gamma=0.1
)
train_cfg = dict(by_epoch=True, max_epochs=200)
auto_scale_lr = dict(base_batch_size=256)
