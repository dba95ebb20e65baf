# Faster R-CNN, DINOv3's ViT-B/16, on DIOR, 20 classes, horizontal boxes: what a foundation
# model of everyday photos gives, to compare the pre-trainings on scenes with.
#
# Source: DINOv3, https://arxiv.org/abs/2508.10104, its weights (LVD-1689M; Meta's DINOv3
#   License); detector, data and epochs as faster-rcnn_r50_dior.py, AdamW as mmdet's for
#   Swin, everything trained.
# Expected number: none is published for it, and none was measured here.
# Cost: not measured.
# Command, after `pip install timm` (the extra `convert`) and a download of the weights
# (dinov3_vitb16_pretrain_lvd1689m-*.pth of Meta, or timm's file):
#   python tools/train.py configs/downstream/detection/faster-rcnn_dinov3-vit-b_dior.py \
#       --pretrained <checkpoint>
#   python tools/test.py configs/downstream/detection/faster-rcnn_dinov3-vit-b_dior.py \
#       work_dirs/detection/faster-rcnn_dinov3-vit-b_dior/epoch_24.pth --show-dir pictures
# Departures: DINOv3's authors keep the backbone frozen and train a Plain-DETR;
#   --cfg-options model.backbone.frozen_stages=12 freezes it here.
_base_ = [
    './_base_/runtime.py',
    './_base_/models/faster-rcnn_dinov3-vit-b_fpn.py',
    './_base_/datasets/dior.py',
    './_base_/schedules/adamw_24e.py',
]

model = dict(roi_head=dict(bbox_head=dict(num_classes=20)))
default_hooks = dict(checkpoint=dict(interval=6))
