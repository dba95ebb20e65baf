# RetinaNet, ResNet-50, on DIOR, 20 classes, horizontal boxes.
#
# Source: GeRSP, doi:10.1109/TGRS.2024.3354031, Table II; settings of the authors' code.
# Expected number (bbox_mAP_50, in percent): IMP 66.5, MoCo-IN 63.5, MoCo-MAID 64.2,
#   MoCo-IN-MAID 63.1, GeRSP 67.5, GeRSP-200 68.7, From Scratch 49.5. IMP's row froze stem
#   and stage 1 (README.md has the switch); here nothing is frozen, for every checkpoint.
# Cost: about 5 h on one A100 with a batch of 4, an estimate.
# Command:
#   python tools/train.py configs/downstream/detection/retinanet_r50_dior.py \
#       --pretrained <checkpoint>
#   python tools/test.py configs/downstream/detection/retinanet_r50_dior.py \
#       work_dirs/detection/retinanet_r50_dior/epoch_24.pth --show-dir pictures
# Departures: xml in place of json; batch norm of the papers' "From Scratch" row is
#   unknown.
_base_ = [
    './_base_/runtime.py',
    './_base_/models/retinanet_r50_fpn.py',
    './_base_/datasets/dior.py',
    './_base_/schedules/sgd_24e.py',
]

model = dict(bbox_head=dict(num_classes=20))
default_hooks = dict(checkpoint=dict(interval=6))
