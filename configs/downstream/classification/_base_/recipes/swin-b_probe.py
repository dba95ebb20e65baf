# kNN and linear probe of a frozen Swin-B; the experiment adds the data.
_base_ = './r50_probe.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='SwinTransformer',
        arch='base',
        img_size=224,
        pad_small_map=True,
    ),
)
# Swin is matrix products; only its patch embedding would gain from channels last.
memory_format = 'contiguous'
