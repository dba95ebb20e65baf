# RetinaNet, ResNet-50, on DOTA-v1.0, 15 classes, horizontal boxes on tiles (train to val).
#
# Source: GeRSP, doi:10.1109/TGRS.2024.3354031, Table III; settings of the authors' code.
# Expected number (bbox_mAP_50, in percent): IMP 60.2, MoCo-IN 58.9, MoCo-MAID 59.9,
#   MoCo-IN-MAID 59.2, GeRSP 62.4, GeRSP-200 63.0, From Scratch 42.7. IMP's row froze stem
#   and stage 1 (README.md has the switch); here nothing is frozen, for every checkpoint.
# Cost: about 5 h on one A100 with a batch of 4, an estimate.
# Command:
#   python tools/train.py configs/downstream/detection/retinanet_r50_dota.py \
#       --pretrained <checkpoint>
#   python tools/test.py configs/downstream/detection/retinanet_r50_dota.py \
#       work_dirs/detection/retinanet_r50_dota/epoch_24.pth --show-dir pictures
# Departures: how the authors cut and labeled their tiles is known by the folder name
#   "dota_1_800_640" only; difficult objects are trained on and not scored, our choice.
_base_ = [
    './_base_/runtime.py',
    './_base_/models/retinanet_r50_fpn.py',
    './_base_/datasets/dota_tiles.py',
    './_base_/schedules/sgd_24e.py',
]

model = dict(bbox_head=dict(num_classes=15))
default_hooks = dict(checkpoint=dict(interval=12))
