# BIT on the third stage of a plain ResNet-50; its fourth rests, as loaded.
model = dict(
    type='rsp.SiameseEncoderDecoder',
    # No mean and std: pixels stay in 0-255, CMID's protocol (the first batch norm sees
    # to it). Normalized instead: --cfg-options
    #   model.data_preprocessor.mean=123.675,116.28,103.53
    #   model.data_preprocessor.std=58.395,57.12,57.375
    data_preprocessor=dict(
        type='rsp.PairDataPreprocessor',
        size_divisor=32,
        test_cfg=dict(size_divisor=32),
    ),
    backbone=dict(
        type='mmpretrain.ResNet',
        depth=50,
        out_indices=(2,),
        norm_cfg=dict(type='BN'),
    ),
    decode_head=dict(
        type='rsp.BITHead',
        in_channels=1024,
        in_index=0,
        channels=32,
        tokens=4,
        encoder_depth=1,
        decoder_depth=8,
        heads=8,
        head_channels=64,
        hidden=64,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
