# Faster R-CNN on DINOv3's ViT-B/16: maps of four blocks, brought to strides of 4, 8, 16
# and 32 pixels by mmseg's Feature2Pyramid, which mmdet has no like of.
_base_ = './faster-rcnn_r50_fpn.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='rsp.TIMMVisionTransformer',
        model_name='vit_base_patch16_dinov3',
        out_indices=(2, 5, 8, 11),
        drop_path_rate=0.1,
    ),
    neck=[
        dict(
            type='mmseg.Feature2Pyramid',
            embed_dim=768,
            rescales=[4, 2, 1, 0.5],
            norm_cfg=dict(type='BN'),
        ),
        dict(
            type='FPN',
            in_channels=[768, 768, 768, 768],
            out_channels=256,
            num_outs=5,
        ),
    ],
)
