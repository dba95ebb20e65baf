# UPerNet with ResNet-50 on LoveDA, 7 classes.
#
# Source: ours, by mmseg's usual protocol for LoveDA: 4 x 4 crops of 512 px, 80,000 iterations, SGD 0.01
# poly, trained on train, scored on val at full size.
# Expected: no number is published for it; the other two heads reach 43.6 to 50.6.
# Cost: about 12 hours on one A100 (an estimate). Batch 16 on one GPU, about 16 GB (an estimate).
# Departures from mmseg's: plain stem instead of ResNetV1c, so that a plain checkpoint loads whole; BN
# instead of SyncBN, which on one GPU is the same (four GPUs: --cfg-options sync_bn=torch,
# batch 4 each).
#
# Commands:
#   python tools/train.py configs/downstream/segmentation/upernet_r50_loveda.py --pretrained checkpoint.pth
#   python tools/test.py configs/downstream/segmentation/upernet_r50_loveda.py \
#       work_dirs/segmentation/upernet_r50_loveda/iter_80000.pth --show-dir pictures
_base_ = [
    './_base_/models/upernet_r50.py',
    './_base_/datasets/loveda.py',
    './_base_/schedules/sgd_poly_80k.py',
    './_base_/runtime.py',
]

# For the test server: PNGs of the 1,796 tiles without masks, into a folder, zipped flat:
#   python tools/test.py configs/downstream/segmentation/upernet_r50_loveda.py CHECKPOINT --format-only submission
model = dict(decode_head=dict(num_classes=7), auxiliary_head=dict(num_classes=7))
