# CMID with a plain ViT-B/16: the paper calls the method agnostic of the architecture,
# its code has ResNet and Swin only. Our own recipe.
#
# Expected number: no published number, and none of ours yet.
# Hardware: as for Swin-B, with about the same arithmetic (16.9 against 15.4 GFLOPs).
# Command:
#   bash tools/dist_train.sh configs/cmid/vit_b.py 4
#
# Data, losses and optimizer are those of Swin-B, not tuned. The map has 14 x 14 patches
# of 16 pixels, of which 20 are matched; masks keep their patches of 32 pixels.
_base_ = './cmid_resnet50_4xb64-adan-coslr-200e_maid.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='rsp.MaskedVisionTransformer',
        arch='base',
        img_size=224,
        patch_size=16,
        drop_path_rate=0.0,
    ),
    reconstruction=dict(decoder=dict(in_channels=768, encoder_stride=16)),
    neck=dict(widths=[768, 2048, 256]),
    local_neck=dict(in_channels=768, norm_cfg=None),
)
pipeline = [
    dict(type='rsp.LoadImageFromFile', min_size=224),
    dict(
        type='rsp.MaskedTwoCrop',
        size=224,
        transforms=[[], _base_.strong],
        mask_patch_size=32,
        mask_ratio=0.6,
        stride=16,
        crop_ratio_range=(0.3, 1.0),
        flip_prob=0.5,
        resize_first=True,
    ),
    dict(type='PackInputs', algorithm_keys=['masks', 'positions']),
]
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=pipeline)))
sync_bn = None
memory_format = 'contiguous'
