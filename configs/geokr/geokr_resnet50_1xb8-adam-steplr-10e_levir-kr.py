# GeoKR, ResNet-50, 10 epochs of Levir-KR: Li, Chen, Chen and Shi, TGRS 2022,
# https://arxiv.org/abs/2107.05276.
#
# Published numbers: result tables could not be read, no weights were released, and none
#   are ours yet.
# Hardware: one GPU, 8 images; model and hours were not published. Per image it costs a
#   student and a teacher pass, 4/3 of a supervised step; 1,789,940 steps.
# Data: Levir-KR, 1,431,950 Gaofen images, was not released. With images of your own:
#   python tools/dataset_tools/make_land_cover_labels.py data/levir_kr \
#       data/globeland30 data/levir_kr
#   or straight from scenes: r50_s2.py.
# Command:
#   python tools/train.py configs/geokr/r50.py
#
# The recipe is that of the official code. It starts from ImageNet (torchvision's file
# is downloaded once); `--cfg-options checkpoint=None` starts from random weights. Their
# runs used float16 with scaled gradients: `optim_wrapper.type=AmpOptimWrapper
# optim_wrapper.loss_scale=dynamic`; --amp uses bfloat16, which needs no scaling.
# Deviations from the official code:
#   - the teacher starts as a copy of the student; there the classifiers start apart
#   - an epoch shows every image once; there its images are drawn from all ten
#   - four workers load images, there none:
#     `train_dataloader.num_workers=0 train_dataloader.persistent_workers=False`
#   - the last three epochs are kept, there all and each update of the teacher:
#     `default_hooks.checkpoint.max_keep_ckpts=-1` keeps all epochs
#   - an unreadable image stops the run; there a random other one takes its place
#   - images are resized first, antialiased, and colors change after that, rounded once;
#     there colors come first: `exact_pillow=True`
_base_ = [
    '../_base_/datasets/levir_kr.py',
    '../_base_/default_runtime.py',
]

checkpoint = 'torchvision://resnet50'
model = dict(
    type='rsp.GeoKR',
    backbone=dict(
        type='ResNet',
        depth=50,
        norm_cfg=dict(type='BN'),
        zero_init_residual=False,
    ),
    classifier=dict(type='rsp.Projector', widths=[2048, 8]),
    # 'kl' is the true divergence of student and teacher, 'batchmean' the sum over
    # classes; published are the cross-entropy and the mean over images and classes.
    # 'consistency_weight' is 1; 0 leaves the consistency out, and the teacher with it.
    head=dict(
        type='rsp.LandCoverHead',
        num_classes=8,
        consistency='cross_entropy',
        reduction='mean',
    ),
    # The share of new weights per update: 0.95 of the old ones are kept.
    teacher=dict(momentum=0.05),
)

# In the order of the outputs, the official one. Of the eleven, Shrubland, Tundra and
# sea are left out, as published.
classes = [
    'Artificial_Surfaces',
    'Bareland',
    'Cultivated_Land',
    'Forest',
    'Grassland',
    'Permanent_Snow',
    'Waterbodies',
    'Wetland',
]
view = [
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='RandomFlip', prob=0.5, direction='vertical'),
    # By 0, 90, 180 or 270 degrees.
    dict(type='rsp.RandomRotate90', prob=0.5),
    dict(
        type='rsp.ColorJitter',
        brightness=[0.7, 1.3],
        contrast=[0.5, 1.5],
        saturation=[0.5, 1.5],
        hue=[-0.3, 0.3],
    ),
    dict(type='Resize', scale=(256, 256), interpolation='bilinear'),
]
pipeline = [dict(type='rsp.LoadView', transforms=view), dict(type='rsp.PackViews')]
train_dataloader = dict(
    batch_size=8,
    dataset=dict(dataset=dict(classes=classes, pipeline=pipeline)),
)

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=1e-3, weight_decay=0.0),
)
param_scheduler = dict(type='StepLR', step_size=1, gamma=0.9, by_epoch=True)
train_cfg = dict(by_epoch=True, max_epochs=10)
auto_scale_lr = dict(base_batch_size=8)

custom_hooks = [
    *_base_.custom_hooks,
    # In images, whatever the batch size: 0, 500, 10500, 20500 and 30500 steps of 16,
    # then every 30500; 33 updates in all. Without milestones the teacher follows every
    # step: take momentum=0.001 then.
    dict(type='rsp.TeacherHook', milestones=[0, 8_000, 168_000, 328_000, 488_000]),
]
