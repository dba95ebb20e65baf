# Oriented R-CNN with ResNet-50 on DOTA-v1.0: train on `train`, score on `val`.
#
# Source: CMID's detection configs (https://arxiv.org/abs/2304.09670; mmrotate): FPN,
#   le90, single-scale patches of 1024 with overlap 200, 12 epochs, SGD 0.005, stem and
#   first stage frozen, batch norm in eval mode.
# Expected number: none published for this split of the data. CMID's 76.63 mAP is of
#   `train` + `val`, scored by DOTA's server: oriented-rcnn_r50_dota-trainval.py.
# Cost: about 7 hours on one V100 (an estimate), 10 GB.
# Command, after tools/dataset_tools/split_dota.py data/DOTA data/split_ss_dota:
#   python tools/train.py configs/downstream/oriented_detection/oriented-rcnn_r50_dota.py \
#       --pretrained CHECKPOINT
#   python tools/test.py configs/downstream/oriented_detection/oriented-rcnn_r50_dota.py \
#       work_dirs/oriented_detection/oriented-rcnn_r50_dota/epoch_12.pth
#   and, for a zip file for the server, `--format-only work_dirs/submission` after that.
# Deviations: CMID trains on `val` as well, and its own `val` is a part of that. Difficult
#   and cut-off objects are no misses on `val` (as on the server, unlike mmrotate:
#   val_dataloader.dataset.diff_thr=100).
_base_ = [
    './_base_/runtime.py',
    './_base_/datasets/dota.py',
    './_base_/models/oriented-rcnn_r50.py',
    './_base_/schedules/12e_sgd.py',
]
