# The same detector on Swin-B; nothing is frozen.
_base_ = './oriented-rcnn_r50.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmpretrain.SwinTransformer',
        arch='base',
        img_size=224,
        out_indices=(0, 1, 2, 3),
        drop_path_rate=0.3,
        pad_small_map=True,
    ),
    neck=dict(in_channels=[128, 256, 512, 1024]),
)
