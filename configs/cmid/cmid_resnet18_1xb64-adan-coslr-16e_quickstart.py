# CMID, ResNet-18, 64 pixels, on the small data set of the repository: learns something
# in minutes on two CPU cores. For a first look and for tests of the whole chain, not for
# weights.
#
# Source: our own recipe.
# Expected number: one seed, top-1 of a kNN and a linear probe 63.5 and 66.0 against 55.9
#   and 60.6 of random weights with batch norm re-estimated; more in README.md.
# Cost: 592 steps of 64 scenes (two views); 7 minutes of one CPU core beside other work.
# Command:
#   python tools/train.py configs/cmid/r18_quickstart.py
_base_ = [
    '../_base_/datasets/masked_two_crop.py',
    '../_base_/default_runtime.py',
]

model = dict(
    type='rsp.CMID',
    # A quarter of the width, for time; without the last stride, so that a view of 64
    # pixels has a map of 4 x 4 patches.
    backbone=dict(
        type='rsp.MaskedResNet',
        depth=18,
        stem_channels=32,
        base_channels=16,
        strides=(1, 2, 2, 1),
    ),
    reconstruction=dict(
        type='rsp.ReconstructionHead',
        decoder=dict(type='SimMIMLinearDecoder', in_channels=128, encoder_stride=16),
        # Any number of processes computes the same.
        frequency=dict(type='rsp.FocalFrequencyLoss', over_processes=True),
    ),
    neck=dict(type='rsp.Projector', widths=[128, 256, 128]),
    head=dict(
        type='ContrastiveHead',
        loss=dict(type='CrossEntropyLoss'),
        temperature=0.2,
    ),
    # Shorter than the 2,400 scenes with their two keys each: else an image's old key is
    # its own negative.
    queue=dict(dim=128, length=2048),
    local_neck=dict(
        type='rsp.PrototypeNeck',
        in_channels=128,
        hidden_channels=256,
        out_channels=64,
        num_prototypes=256,
    ),
    local_head=dict(type='rsp.SelfDistillationHead', num_prototypes=256),
    num_matches=8,
    # With weights of 1 it hardly began to reconstruct in its minutes.
    loss_weights=dict(loss_spatial=10.0, loss_frequency=10.0),
    # The teacher of a run of hundreds of steps cannot average over thousands.
    teacher=dict(momentum=0.02),
)

# The published views at 64 pixels.
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
    dict(type='rsp.GaussianNoise', variance=(10.0, 50.0), prob=0.6),
    dict(type='RandomGrayscale', prob=0.2, keep_channels=True),
]
pipeline = [
    dict(type='rsp.LoadImageFromFile', min_size=64),
    dict(
        type='rsp.MaskedTwoCrop',
        size=64,
        transforms=[[], strong],
        # Half a patch of the map: what is masked can be told from what is beside it, and
        # in minutes nothing else is learned of it.
        mask_patch_size=8,
        mask_ratio=0.6,
        stride=16,
    ),
    dict(type='PackInputs', algorithm_keys=['masks', 'positions']),
]
train_dataloader = dict(
    batch_size=64,
    num_workers=1,
    dataset=dict(
        dataset=dict(
            data_root='data/quickstart', data_prefix='remote', pipeline=pipeline
        )
    ),
)

optim_wrapper = dict(
    type='OptimWrapper',
    constructor='rsp.GroupedOptimWrapperConstructor',
    optimizer=dict(
        type='Adan', lr=0.003125, betas=(0.98, 0.92, 0.99), weight_decay=0.02
    ),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0, flat_decay_mult=0.0),
)
train_cfg = dict(by_epoch=True, max_epochs=16)
param_scheduler = [
    dict(
        type='rsp.WarmupLR',
        start_factor=0.01,
        by_epoch=True,
        begin=0,
        end=2,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR',
        eta_min_ratio=3.2e-4,
        by_epoch=True,
        begin=0,
        end=16,
        T_max=16,
        convert_to_iter_based=True,
    ),
]
auto_scale_lr = dict(base_batch_size=64)

custom_hooks = [
    *_base_.custom_hooks,
    dict(type='rsp.TeacherHook'),
    dict(
        type='rsp.ValueScheduleHook',
        target='teacher.momentum',
        shape='cosine',
        start=0.02,
        end=0.0,
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
    dict(type='rsp.ReconstructionHook', interval=100),
]
default_hooks = dict(
    logger=dict(interval=5),
    checkpoint=dict(interval=8, max_keep_ckpts=1),
)
