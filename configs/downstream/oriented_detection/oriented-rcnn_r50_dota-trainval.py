# Oriented R-CNN with ResNet-50 on DOTA-v1.0: train on `train` and `val`, submit `test`.
#
# Source: CMID's detection configs (https://arxiv.org/abs/2304.09670; mmrotate): FPN,
#   le90, single-scale patches of 1024 with overlap 200, 12 epochs, SGD 0.005, stem and
#   first stage frozen, batch norm in eval mode.
# Expected number: mAP of DOTA's server 76.63 (CMID, ResNet-50, MillionAID 200 epochs);
#   BYOL 73.62, SwAV 73.30, MoCo v2 73.25, Barlow Twins 67.54.
# Cost: about 9 hours on one V100 (an estimate), 10 GB.
# Command, after tools/dataset_tools/split_dota.py data/DOTA data/split_ss_dota:
#   python tools/train.py \
#       configs/downstream/oriented_detection/oriented-rcnn_r50_dota-trainval.py \
#       --pretrained CHECKPOINT
#   python tools/test.py \
#       configs/downstream/oriented_detection/oriented-rcnn_r50_dota-trainval.py \
#       work_dirs/oriented_detection/oriented-rcnn_r50_dota-trainval/epoch_12.pth \
#       --format-only work_dirs/submission
#   writes work_dirs/submission/submission.zip for the server; there is no local score.
# Deviations: no validation, where CMID's validates on what it trains on.
_base_ = [
    './_base_/runtime.py',
    './_base_/datasets/dota_trainval.py',
    './_base_/models/oriented-rcnn_r50.py',
    './_base_/schedules/12e_sgd.py',
]
