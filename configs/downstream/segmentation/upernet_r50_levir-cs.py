# UPerNet with ResNet-50 on clouds and snow, Levir_CS.
#
# Source: GeoKR, https://arxiv.org/abs/2107.05276, detects clouds and snow; data set, network, schedule and
# results are not public, so this is the usual protocol of mmseg: 16 crops of 512 px, 40,000
# iterations, SGD 0.01 poly.
# Expected: no number is published that we could read.
# Cost: about 6 hours on one A100 (an estimate).
# Departures: unknown. Layout and gray values of Levir_CS: see README.md, all are arguments.
#
# Commands:
#   python tools/train.py configs/downstream/segmentation/upernet_r50_levir-cs.py --pretrained checkpoint.pth
#   python tools/test.py configs/downstream/segmentation/upernet_r50_levir-cs.py \
#       work_dirs/segmentation/upernet_r50_levir-cs/iter_40000.pth --show-dir pictures
_base_ = [
    './_base_/models/upernet_r50.py',
    './_base_/datasets/levir_cs.py',
    './_base_/schedules/sgd_poly_80k.py',
    './_base_/runtime.py',
]

model = dict(decode_head=dict(num_classes=3), auxiliary_head=dict(num_classes=3))
param_scheduler = [
    dict(type='PolyLR', power=0.9, eta_min=1e-4, by_epoch=False, begin=0, end=40000)
]
train_cfg = dict(max_iters=40000, val_interval=4000)
