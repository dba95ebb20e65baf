# Faster R-CNN, ResNet-50, on DIOR from a COCO json, 20 classes, horizontal boxes.
#
# Source: GeRSP, doi:10.1109/TGRS.2024.3354031, Table II; settings of the authors' code.
# Expected number (bbox_mAP_50, in percent): IMP 65.1, MoCo-IN 65.9, MoCo-MAID 66.1,
#   MoCo-IN-MAID 65.8, GeRSP 67.1, GeRSP-200 67.8, From Scratch 45.8. IMP's row froze stem
#   and stage 1 (README.md has the switch); here nothing is frozen, for every checkpoint.
# Cost: about 5 h on one A100 with a batch of 4, an estimate.
# Command:
#   python tools/train.py configs/downstream/detection/faster-rcnn_r50_dior-coco.py \
#       --pretrained <checkpoint>
#   python tools/test.py configs/downstream/detection/faster-rcnn_r50_dior-coco.py \
#       work_dirs/detection/faster-rcnn_r50_dior-coco/epoch_24.pth --show-dir pictures
# Departures: batch norm of the papers' "From Scratch" row is
#   unknown.
_base_ = [
    './_base_/runtime.py',
    './_base_/models/faster-rcnn_r50_fpn.py',
    './_base_/datasets/dior_coco.py',
    './_base_/schedules/sgd_24e.py',
]

model = dict(roi_head=dict(bbox_head=dict(num_classes=20)))
default_hooks = dict(checkpoint=dict(interval=6))
