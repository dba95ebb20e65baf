# DeepLabV3+ with ResNet-50 on LoveDA, 7 classes.
#
# Source: GeRSP, doi:10.1109/TGRS.2024.3354031, Table IV; crop, iterations, rate and split are not reported,
# so the usual ones of mmseg for LoveDA: 4 x 4 crops of 512 px, 80,000 iterations, SGD 0.01 poly,
# trained on train, scored on val at full size.
# Expected: mIoU IMP 48.39, MoCo-IN 46.64, MoCo-MAID 47.20, MoCo-IN-MAID 48.26, GeRSP 49.06, GeRSP-200 50.56 (GeRSP, Table IV).
# mmseg's own, ImageNet weights and deep stem: 50.99.
# Cost: about 14 hours on one A100 (an estimate). Batch 16 on one GPU, about 30 GB (an estimate).
# Departures from mmseg's: plain stem instead of ResNetV1c, so that a plain checkpoint loads whole; BN
# instead of SyncBN, which on one GPU is the same (four GPUs: --cfg-options sync_bn=torch,
# batch 4 each).
#
# Commands:
#   python tools/train.py configs/downstream/segmentation/deeplabv3plus_r50_loveda.py --pretrained checkpoint.pth
#   python tools/test.py configs/downstream/segmentation/deeplabv3plus_r50_loveda.py \
#       work_dirs/segmentation/deeplabv3plus_r50_loveda/iter_80000.pth --show-dir pictures
_base_ = [
    './_base_/models/deeplabv3plus_r50.py',
    './_base_/datasets/loveda.py',
    './_base_/schedules/sgd_poly_80k.py',
    './_base_/runtime.py',
]

# For the test server: PNGs of the 1,796 tiles without masks, into a folder, zipped flat:
#   python tools/test.py configs/downstream/segmentation/deeplabv3plus_r50_loveda.py CHECKPOINT --format-only submission
model = dict(decode_head=dict(num_classes=7), auxiliary_head=dict(num_classes=7))
