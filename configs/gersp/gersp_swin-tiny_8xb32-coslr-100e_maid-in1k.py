# GeRSP with a Swin-T: the method does not depend on a ResNet. Our own recipe.
#
# Expected number: no published number, and none of ours yet.
# Hardware: as for ResNet-50, which costs nearly the same arithmetic (4.1 against
#   4.4 GFLOPs).
# Command:
#   bash tools/dist_train.sh configs/gersp/swin_t.py 8
#
# Method, data and augmentation are those of the published recipe. The optimizer is what
# momentum contrast uses with Swin elsewhere (MoBY, https://arxiv.org/abs/2105.04553:
# AdamW, 0.001 for 512 images, weight decay 0.05, 5 epochs of warm-up), not tuned.
_base_ = './gersp_resnet50_8xb32-coslr-restart-100e_maid-in1k.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='SwinTransformer',
        arch='tiny',
        img_size=224,
        # The teacher is a copy, which dropped paths would make a noisy one.
        drop_path_rate=0.0,
        init_cfg=[
            dict(type='TruncNormal', layer='Linear', std=0.02, bias=0.0),
            dict(type='Constant', layer='LayerNorm', val=1.0, bias=0.0),
        ],
    ),
    neck=dict(widths=[768, 768, 128]),
    sup_head=dict(in_channels=768),
)

optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=5e-4, betas=(0.9, 0.999), weight_decay=0.05),
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        bias_decay_mult=0.0,
        custom_keys={'.relative_position_bias_table': dict(decay_mult=0.0)},
    ),
    clip_grad=dict(max_norm=5.0),
)
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=1e-3,
        by_epoch=True,
        end=5,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR',
        eta_min_ratio=0.01,
        by_epoch=True,
        begin=5,
        end=100,
        T_max=95,
    ),
]
# Swin is matrix products; only its patch embedding would gain from channels last.
memory_format = 'contiguous'
