# Differences of all four stages of a plain ResNet-50, joined from coarse to fine.
model = dict(
    type='rsp.SiameseEncoderDecoder',
    # Pixels stay in 0-255, as for BIT; for others see bit_r50.py.
    data_preprocessor=dict(
        type='rsp.PairDataPreprocessor',
        size_divisor=32,
        test_cfg=dict(size_divisor=32),
    ),
    backbone=dict(
        type='mmpretrain.ResNet',
        depth=50,
        out_indices=(0, 1, 2, 3),
        norm_cfg=dict(type='BN'),
    ),
    decode_head=dict(
        type='rsp.DifferenceUNetHead',
        in_channels=[256, 512, 1024, 2048],
        in_index=[0, 1, 2, 3],
        widths=[32, 64, 128, 256],
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
