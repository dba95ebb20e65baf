# 12 epochs of two images per step, as CMID's detection configs.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=12, val_interval=1)

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.005, momentum=0.9, weight_decay=0.0001),
    clip_grad=dict(max_norm=35, norm_type=2),
)
# 500 iterations of warm-up from a third: the whole rate is reached at iteration 500,
# where mmengine's `end=500` reaches it one earlier.
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=0.3333333333333333,
        by_epoch=False,
        begin=0,
        end=501,
    ),
    dict(
        type='MultiStepLR',
        begin=0,
        end=12,
        by_epoch=True,
        milestones=[8, 11],
        gamma=0.1,
    ),
]
auto_scale_lr = dict(enable=False, base_batch_size=2)
