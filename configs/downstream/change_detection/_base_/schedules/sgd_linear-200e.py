# SGD for 200 epochs of batches of 8; in epoch e the rate is lr x (1 - e / 201).
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.002, momentum=0.99, weight_decay=5e-4),
)
param_scheduler = [
    # Linear to 0 in epoch 201, which is never reached.
    dict(type='PolyLR', power=1.0, eta_min=0.0, begin=0, end=202, by_epoch=True)
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=200, val_interval=5)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(base_batch_size=8)
