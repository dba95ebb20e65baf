# Oriented R-CNN with ResNet-50 on DIOR-R: train on train and val, score on test.
#
# Source: data and scoring as in mmrotate's DIOR configs (800 pixels, 11,725 images to
#   train, 11,738 to test, mAP of VOC 2007 at IoU 0.5); model and schedule as in CMID's on
#   DOTA, see oriented-rcnn_r50_dota.py. Neither CMID nor GeRSP use DIOR-R, so this is the
#   field's usual protocol, not one of theirs.
# Expected number: none published for these checkpoints.
# Cost: about 4 hours on one V100 (an estimate), 6 GB.
# Command:
#   python tools/train.py \
#       configs/downstream/oriented_detection/oriented-rcnn_r50_dior-r.py \
#       --pretrained CHECKPOINT
#   python tools/test.py \
#       configs/downstream/oriented_detection/oriented-rcnn_r50_dior-r.py \
#       work_dirs/oriented_detection/oriented-rcnn_r50_dior-r/epoch_12.pth
# Deviations: none of note; test is scored once at the end, not after every epoch.
_base_ = [
    './_base_/runtime.py',
    './_base_/datasets/dior-r.py',
    './_base_/models/oriented-rcnn_r50.py',
    './_base_/schedules/12e_sgd.py',
]

model = dict(roi_head=dict(bbox_head=dict(num_classes=20)))
