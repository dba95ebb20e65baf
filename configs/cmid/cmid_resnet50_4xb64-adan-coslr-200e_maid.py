# CMID, ResNet-50, 200 epochs of Million-AID: Muhtar et al., TGRS 2023,
# https://arxiv.org/abs/2304.09670.
#
# Published numbers of this recipe (official README; not measured by us):
#   UC Merced overall accuracy 99.22 (scored on 384 or 416 of the 420 test images)
#   mIoU: Potsdam 87.35, Vaihingen 79.44;  DOTA-v1.0 mAP 76.63;  CDD F1 96.95
# Hardware: 4 GPUs, 64 images each; model and hours were not published. Per image it
#   costs two student and two teacher passes, 8/3 of a supervised step.
# Command:
#   bash tools/dist_train.sh configs/cmid/r50.py 4
#
# The recipe is that of the official code. The authors also give a square-root rule for
# the learning rate, 0.00625 at this batch size: `optim_wrapper.optimizer.lr=0.00625`
# and `param_scheduler.1.eta_min_ratio=1.6e-4`. Their runs used fp16 with a static
# scale: `optim_wrapper.type=AmpOptimWrapper optim_wrapper.loss_scale=512`; --amp uses
# bfloat16.
# Deviations from the official code:
#   - crops are located in pixels; there all lie in the top left corner
#   - keys have unit norm from the start and are queued once; there W times on W GPUs
#   - the teacher follows after the optimizer's step, there one iteration late
#   - the teacher's temperature starts at 0.04 in epoch 0, there at its second value
#   - JPEGs are decoded at 1/2, 1/4 or 1/8 where 224 pixels remain, squeezing is
#     antialiased, and colors are rounded once: `exact_pillow=True` takes OpenCV's and
#     Pillow's of all pixels
# `train_dataloader.dataset.dataset.pipeline.1.resize_first=False` cuts views from all
# pixels, with `train_dataloader.dataset.dataset.pipeline.0.min_size=None`; as published,
# a scene is first squeezed to 224 x 224.
_base_ = [
    '../_base_/datasets/masked_two_crop.py',
    '../_base_/default_runtime.py',
]

model = dict(
    type='rsp.CMID',
    backbone=dict(
        type='rsp.MaskedResNet',
        depth=50,
        norm_cfg=dict(type='BN'),
        zero_init_residual=True,
    ),
    reconstruction=dict(
        type='rsp.ReconstructionHead',
        decoder=dict(type='SimMIMLinearDecoder', in_channels=2048, encoder_stride=32),
        spatial=dict(type='rsp.FocalL1Loss', alpha=0.2, gamma=1.0),
        frequency=dict(
            type='rsp.FocalFrequencyLoss', average_spectrum=True, visible_share=0.001
        ),
    ),
    neck=dict(type='rsp.Projector', widths=[2048, 2048, 256]),
    head=dict(
        type='ContrastiveHead',
        loss=dict(type='CrossEntropyLoss'),
        temperature=0.2,
    ),
    queue=dict(dim=256, length=65536),
    local_neck=dict(
        type='rsp.PrototypeNeck',
        in_channels=2048,
        hidden_channels=2048,
        out_channels=256,
        num_prototypes=2048,
        norm_cfg=dict(type='BN1d'),
    ),
    local_head=dict(
        type='rsp.SelfDistillationHead',
        num_prototypes=2048,
        student_temperature=0.1,
        teacher_temperature=0.04,
        center_momentum=0.1,
    ),
    num_matches=20,
    # The share of new weights per step: the paper's 0.996.
    teacher=dict(momentum=0.004),
    fuse_views=False,
)
# Statistics of all processes; one process alone keeps plain batch norm.
sync_bn = 'torch'

# The weak view is a crop, the strong one has colors changed too.
strong = [
    dict(
        type='RandomApply',
        transforms=[
            dict(
                type='rsp.ColorJitter',
                brightness=0.4,
                contrast=0.4,
                saturation=0.2,
                hue=0.1,
            )
        ],
        prob=0.8,
    ),
    dict(type='rsp.RandomBlur', kernel=(3, 7), sigma=(0.1, 2.0), prob=1.0),
    dict(type='rsp.GaussianNoise', variance=(10.0, 50.0), prob=0.6),
    dict(type='Solarize', thr=128, prob=0.2),
    # Images are BGR here.
    dict(
        type='RandomGrayscale',
        prob=0.2,
        keep_channels=True,
        channel_weights=(0.114, 0.587, 0.2989),
    ),
]
pipeline = [
    dict(type='rsp.LoadImageFromFile', min_size=224),
    dict(
        type='rsp.MaskedTwoCrop',
        size=224,
        transforms=[[], strong],
        # 30 of 7 x 7 patches are masked.
        mask_patch_size=32,
        mask_ratio=0.6,
        stride=32,
        crop_ratio_range=(0.3, 1.0),
        flip_prob=0.5,
        resize_first=True,
    ),
    dict(type='PackInputs', algorithm_keys=['masks', 'positions']),
]
# data/million_aid/test/**/*.jpg
train_dataloader = dict(
    batch_size=64,
    dataset=dict(
        dataset=dict(
            data_root='data/million_aid', data_prefix='test', pipeline=pipeline
        )
    ),
)

optim_wrapper = dict(
    type='OptimWrapper',
    constructor='rsp.GroupedOptimWrapperConstructor',
    optimizer=dict(type='Adan', lr=0.004, betas=(0.98, 0.92, 0.99), weight_decay=0.02),
    # Only tensors of two dimensions and more decay: token and prototypes do.
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0, flat_decay_mult=0.0),
)
# A cosine over the whole run down to 1e-6, times a warm-up. The floor is a ratio so
# that --auto-scale-lr scales it too.
param_scheduler = [
    dict(
        type='rsp.WarmupLR',
        start_factor=0.01,
        by_epoch=True,
        begin=0,
        end=10,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR',
        eta_min_ratio=2.5e-4,
        by_epoch=True,
        begin=0,
        end=200,
        T_max=200,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(by_epoch=True, max_epochs=200)
auto_scale_lr = dict(base_batch_size=256)

custom_hooks = [
    *_base_.custom_hooks,
    dict(type='rsp.TeacherHook'),
    dict(
        type='rsp.ValueScheduleHook',
        target='teacher.momentum',
        shape='cosine',
        start=0.004,
        end=0.0,
        by_epoch=False,
    ),
    dict(
        type='rsp.ValueScheduleHook',
        target='local_head.teacher_temperature',
        shape='linear',
        start=0.04,
        end=0.07,
        points=50,
        by_epoch=True,
    ),
    dict(type='rsp.ReconstructionHook', interval=1000),
]
