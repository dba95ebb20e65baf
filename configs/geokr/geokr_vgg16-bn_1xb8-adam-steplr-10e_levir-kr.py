# GeoKR, VGG-16 with batch norm, 10 epochs of Levir-KR: Li, Chen, Chen and Shi, TGRS 2022,
# https://arxiv.org/abs/2107.05276.
#
# Published numbers: result tables could not be read, no weights were released, and none
#   are ours yet. The official code has VGG-11 to VGG-19 with and without batch norm, but
#   no config of them.
# Hardware: as r50.py, with about 4 times the arithmetic (20.1 against 5.4 GFLOPs).
# Data, losses and schedule: as r50.py.
# Command:
#   python tools/train.py configs/geokr/vgg16.py
#
# Without batch norm: --cfg-options model.backbone.norm_cfg=None
# checkpoint=torchvision://vgg16.
_base_ = './geokr_resnet50_1xb8-adam-steplr-10e_levir-kr.py'

checkpoint = 'torchvision://vgg16_bn'
model = dict(
    backbone=dict(_delete_=True, type='rsp.VGG', depth=16, norm_cfg=dict(type='BN')),
    classifier=dict(widths=[512, 8]),
)
