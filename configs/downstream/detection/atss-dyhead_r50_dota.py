# ATSS with DyHead, ResNet-50, on DOTA-v1.0, 15 classes, horizontal boxes on tiles (train to val).
#
# Source: GeRSP, doi:10.1109/TGRS.2024.3354031, Table III; settings of the authors' code.
# Expected number (bbox_mAP_50, in percent): IMP 64.8, MoCo-IN 63.2, MoCo-MAID 63.5,
#   MoCo-IN-MAID 62.9, GeRSP 66.1, GeRSP-200 67.4, From Scratch 51.8. IMP's row froze stem
#   and stage 1 (README.md has the switch); here nothing is frozen, for every checkpoint.
# Cost: about 9 h on one A100 with a batch of 4, an estimate.
# Command:
#   python tools/train.py configs/downstream/detection/atss-dyhead_r50_dota.py \
#       --pretrained <checkpoint>
#   python tools/test.py configs/downstream/detection/atss-dyhead_r50_dota.py \
#       work_dirs/detection/atss-dyhead_r50_dota/epoch_24.pth --show-dir pictures
# Departures: how the authors cut and labeled their tiles is known by the folder name
#   "dota_1_800_640" only; difficult objects are trained on and not scored, our choice.
_base_ = [
    './_base_/runtime.py',
    './_base_/models/atss-dyhead_r50_fpn.py',
    './_base_/datasets/dota_tiles.py',
    './_base_/schedules/sgd_24e.py',
]

model = dict(bbox_head=dict(num_classes=15))
default_hooks = dict(checkpoint=dict(interval=12))
