# UPerNet with DINOv2's ViT-B/14 on LoveDA, 7 classes: what a foundation model of everyday photos gives,
# to compare the pre-trainings on scenes with.
#
# Source: DINOv2, https://arxiv.org/abs/2304.07193, its weights (LVD-142M; Apache 2.0); the recipe is mmseg's
# for ViT-B and UPerNet on ADE20K: 80,000 iterations of 16 crops, AdamW 6e-5, drop path 0.1, everything trained.
# Expected: no number is published for it, and none was measured here.
# Cost: not measured.
# Departures from mmseg's: crops of 518 px (37 x 37 patches) instead of 512, Feature2Pyramid instead of
# MultiLevelNeck, BN instead of SyncBN, no decay on the scales of residuals.
# With registers: --cfg-options model.backbone.model_name=vit_base_patch14_reg4_dinov2; frozen:
# model.backbone.frozen_stages=12.
#
# Commands, after `pip install timm` (the extra `convert`) and a download of the weights
# (dinov2_vitb14_pretrain.pth of Meta, or timm's file):
#   python tools/train.py configs/downstream/segmentation/upernet_dinov2-vit-b_loveda.py --pretrained dinov2_vitb14_pretrain.pth
#   python tools/test.py configs/downstream/segmentation/upernet_dinov2-vit-b_loveda.py \
#       work_dirs/segmentation/upernet_dinov2-vit-b_loveda/iter_80000.pth --show-dir pictures
_base_ = [
    './_base_/models/upernet_dinov2-vit-b.py',
    './_base_/datasets/loveda.py',
    './_base_/schedules/adamw_poly_80k.py',
    './_base_/runtime.py',
]

model = dict(decode_head=dict(num_classes=7), auxiliary_head=dict(num_classes=7))
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='rsp.LoadMaskAnnotations'),
    dict(
        type='RandomResize', scale=(2072, 518), ratio_range=(0.5, 2.0), keep_ratio=True
    ),
    dict(type='RandomCrop', crop_size=(518, 518), cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
