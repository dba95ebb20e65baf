# Of all detectors of GeRSP on DIOR and DOTA: SGD for batches of 4, 24 epochs.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.001, momentum=0.9, weight_decay=0.0001),
    clip_grad=dict(max_norm=35, norm_type=2),
)
# 500 iterations of warm-up from a third: the whole rate is reached at iteration 500,
# where mmengine's `end=500` reaches it one earlier.
param_scheduler = [
    dict(type='LinearLR', start_factor=0.3333333, by_epoch=False, begin=0, end=501),
    dict(type='MultiStepLR', by_epoch=True, end=24, milestones=[16, 22], gamma=0.1),
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=24, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(enable=False, base_batch_size=4)
