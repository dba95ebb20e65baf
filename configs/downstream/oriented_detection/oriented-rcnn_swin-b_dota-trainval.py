# Oriented R-CNN with Swin-B on DOTA-v1.0: train on `train` and `val`, submit `test`.
#
# Source: CMID's detection configs (https://arxiv.org/abs/2304.09670; mmrotate): FPN,
#   le90, single-scale patches of 1024 with overlap 200, 12 epochs, AdamW 1e-4, decay 0.05
#   but on norms and position biases, drop path 0.3, nothing frozen.
# Expected number: mAP of DOTA's server 77.36 (CMID, Swin-B, MillionAID 200 epochs).
# Cost: about 20 hours on one A100 (an estimate), 20 GB.
# Command, after tools/dataset_tools/split_dota.py data/DOTA data/split_ss_dota:
#   python tools/train.py \
#       configs/downstream/oriented_detection/oriented-rcnn_swin-b_dota-trainval.py \
#       --pretrained CHECKPOINT
#   python tools/test.py \
#       configs/downstream/oriented_detection/oriented-rcnn_swin-b_dota-trainval.py \
#       work_dirs/oriented_detection/oriented-rcnn_swin-b_dota-trainval/epoch_12.pth \
#       --format-only work_dirs/submission
#   writes work_dirs/submission/submission.zip for the server; there is no local score.
# Deviations: no validation, where CMID's validates on what it trains on.
_base_ = [
    './_base_/runtime.py',
    './_base_/datasets/dota_trainval.py',
    './_base_/models/oriented-rcnn_swin-b.py',
    './_base_/schedules/12e_adamw.py',
]
