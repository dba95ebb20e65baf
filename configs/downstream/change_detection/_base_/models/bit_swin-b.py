# BIT on the third stage of a Swin-B. Its fourth stage rests, as loaded; it stands in
# out_indices so that its norm, which pre-trained files have, has a place.
model = dict(
    type='rsp.SiameseEncoderDecoder',
    # No mean and std: pixels stay in 0-255, CMID's protocol (the norm after the patch
    # embedding sees to it); for others see bit_r50.py.
    data_preprocessor=dict(
        type='rsp.PairDataPreprocessor',
        size_divisor=32,
        test_cfg=dict(size_divisor=32),
    ),
    backbone=dict(
        type='mmpretrain.SwinTransformer',
        arch='base',
        img_size=224,
        out_indices=(2, 3),
        pad_small_map=True,
        # Dropout .3 wherever Swin has any, drop-path up to .3.
        drop_rate=0.3,
        stage_cfgs=dict(
            block_cfgs=dict(
                attn_cfgs=dict(proj_drop=0.3),
                ffn_cfgs=dict(ffn_drop=0.3),
            )
        ),
        drop_path_rate=0.3,
    ),
    decode_head=dict(
        type='rsp.BITHead',
        in_channels=512,
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
