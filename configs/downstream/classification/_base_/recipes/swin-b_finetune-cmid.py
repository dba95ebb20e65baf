# CMID's fine-tuning of Swin-B; the experiment adds data and number of classes.
_base_ = './r50_finetune-cmid.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='SwinTransformer',
        arch='base',
        img_size=224,
        drop_path_rate=0.5,
        pad_small_map=True,
    ),
    head=dict(in_channels=1024),
)
# Swin is matrix products; only its patch embedding would gain from channels last.
memory_format = 'contiguous'
