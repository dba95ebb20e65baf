# CMID's recipe for Swin of 2023-01, that of the published numbers.
# The start of the warm-up is not reported: 0.1, mmcv's default.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=6e-5, betas=(0.9, 0.999), weight_decay=0.01),
    paramwise_cfg=dict(
        custom_keys={
            'relative_position_bias_table': dict(decay_mult=0.0),
            'norm': dict(decay_mult=0.0),
        }
    ),
)
param_scheduler = [
    dict(type='rsp.WarmupLR', start_factor=0.1, by_epoch=False, begin=0, end=100),
    # Down to 1e-6; as a ratio, so that --auto-scale-lr scales the whole curve.
    dict(
        type='CosineAnnealingLR',
        eta_min_ratio=0.016666667,
        by_epoch=False,
        begin=0,
        T_max=21600,
        end=21600,
    ),
]
# 50 epochs of 432 batches on Potsdam.
train_cfg = dict(type='IterBasedTrainLoop', max_iters=21600, val_interval=2160)
auto_scale_lr = dict(base_batch_size=8)
