# Supervised ImageNet, ResNet-50, 100 epochs: the comparison that every pre-training has
# to beat ("IMP" rows of GeRSP's tables).
#
# Expected: 76.55 top-1, 93.06 top-5 on ImageNet val (mmpretrain's numbers for the same
# recipe, `resnet50_8xb32_in1k`; not measured by us).
# Published downstream numbers (GeRSP, TGRS 2024, doi:10.1109/TGRS.2024.3354031), whose
# authors used torchvision's weights and not this recipe:
#   classification table: EuroSAT 97.84 +- 0.04, NWPU-RESISC45 92.48 +- 0.13 top-1
#   Table II, DIOR AP50:  Faster R-CNN 65.1, RetinaNet 66.5, DyHead 70.6
#   Table III, DOTA AP50, horizontal boxes: 65.1, 60.2, 64.8 with the same detectors
#   Table IV, LoveDA mIoU: PSANet 49.24, DeepLabV3+ 48.39
# Hardware: about 12 h on 8x V100 in fp32 (derived from NVIDIA's 2,855 images/s),
#   without validation.
# Crops are antialiased, from JPEGs decoded at 1/2, 1/4 or 1/8 where they allow that; in
#   mmpretrain's recipe OpenCV resizes, with aliasing: `exact_pillow=True`.
# Command:
#   bash tools/dist_train.sh configs/supervised/r50.py 8
_base_ = ['../_base_/datasets/in1k.py', '../_base_/default_runtime.py']

model = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet', depth=50, norm_cfg=dict(type='BN')),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='LinearClsHead',
        num_classes=1000,
        in_channels=2048,
        loss=dict(type='CrossEntropyLoss'),
        topk=(1, 5),
    ),
)

view = [
    dict(type='RandomResizedCrop', scale=224),
    dict(type='RandomFlip', prob=0.5),
]
train_pipeline = [dict(type='rsp.LoadView', transforms=view), dict(type='PackInputs')]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='ResizeEdge', scale=256, edge='short'),
    dict(type='CenterCrop', crop_size=224),
    dict(type='PackInputs'),
]
train_dataloader = dict(batch_size=32, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(batch_size=32, dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=1e-4),
)
param_scheduler = dict(
    type='MultiStepLR', by_epoch=True, milestones=[30, 60, 90], gamma=0.1
)
train_cfg = dict(by_epoch=True, max_epochs=100, val_interval=1)
auto_scale_lr = dict(base_batch_size=256)
