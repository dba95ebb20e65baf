# CMID's recipe for ResNets since 2023-10.
# The start of the warm-up is not reported: 0.1, mmcv's default.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(
        type='mmpretrain.Adan', lr=0.002, betas=(0.98, 0.92, 0.99), weight_decay=0.02
    ),
    clip_grad=dict(max_norm=5),
)
param_scheduler = [
    dict(type='rsp.WarmupLR', start_factor=0.1, by_epoch=False, begin=0, end=100),
    # Down to 1e-6; as a ratio, so that --auto-scale-lr scales the whole curve.
    dict(
        type='CosineAnnealingLR',
        eta_min_ratio=5e-4,
        by_epoch=False,
        begin=0,
        T_max=21600,
        end=21600,
    ),
]
# 50 epochs of 432 batches on Potsdam.
train_cfg = dict(type='IterBasedTrainLoop', max_iters=21600, val_interval=2160)
auto_scale_lr = dict(base_batch_size=8)
