# UPerNet (https://arxiv.org/abs/1807.10221) on DINOv2's ViT-B/14: maps of four blocks, brought to strides
# of 3.5, 7, 14 and 28 pixels by mmseg's Feature2Pyramid, as mmseg does for BEiT and MAE.
norm_cfg = dict(type='BN', requires_grad=True)
# A multiple of the patch, and the size that the position embeddings are made for. Were it not divisible,
# the maps would cover more than the crop, and mmseg would squeeze the prediction.
crop_size = (518, 518)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
        size=crop_size,
    ),
    backbone=dict(
        type='rsp.TIMMVisionTransformer',
        model_name='vit_base_patch14_dinov2',
        out_indices=(2, 5, 8, 11),
        drop_path_rate=0.1,
    ),
    neck=dict(
        type='Feature2Pyramid',
        embed_dim=768,
        rescales=[4, 2, 1, 0.5],
        norm_cfg=norm_cfg,
    ),
    decode_head=dict(
        type='UPerHead',
        in_channels=[768, 768, 768, 768],
        in_index=[0, 1, 2, 3],
        pool_scales=(1, 2, 3, 6),
        channels=512,
        dropout_ratio=0.1,
        num_classes=7,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', loss_weight=1.0),
    ),
    auxiliary_head=dict(
        type='FCNHead',
        in_channels=768,
        in_index=2,
        channels=256,
        num_convs=1,
        concat_input=False,
        dropout_ratio=0.1,
        num_classes=7,
        norm_cfg=norm_cfg,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', loss_weight=0.4),
    ),
    train_cfg=dict(),
    # Windows of the size of the crops, so that the transformer sees as many patches as in training.
    test_cfg=dict(mode='slide', crop_size=crop_size, stride=(345, 345)),
)
