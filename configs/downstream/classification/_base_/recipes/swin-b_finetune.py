# Fine-tuning Swin-B by AdamW; the experiment adds data and number of classes.
#
# As for ResNet-50 with what Swin is usually fine-tuned with: AdamW, no decay on
# normalizations, biases and position tables, clipped gradients, drop path 0.2.
_base_ = './r50_finetune.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='SwinTransformer',
        arch='base',
        img_size=224,
        drop_path_rate=0.2,
        pad_small_map=True,
    ),
    head=dict(in_channels=1024),
)
optim_wrapper = dict(
    optimizer=dict(
        _delete_=True, type='AdamW', lr=1e-4, betas=(0.9, 0.999), weight_decay=0.05
    ),
    constructor='rsp.GroupedOptimWrapperConstructor',
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        bias_decay_mult=0.0,
        custom_keys={'relative_position_bias_table': dict(decay_mult=0.0)},
    ),
    clip_grad=dict(max_norm=5.0),
)
# Swin is matrix products; only its patch embedding would gain from channels last.
memory_format = 'contiguous'
