# UPerNet with ResNet-50 on Potsdam by CMID's later recipe: Adan 0.002, otherwise as upernet_r50_potsdam.py.
#
# Source: files of 2023-10 in CMID's repository.
# Expected: no number is published for it; those of the paper predate it.
# Cost: as upernet_r50_potsdam.py, about 3 hours on one A100 (an estimate).
# Departures: betas are not reported; those of CMID's pre-training. Published run: float16.
#
# Commands:
#   python tools/train.py configs/downstream/segmentation/upernet_r50_potsdam_adan.py --pretrained checkpoint.pth
#   python tools/test.py configs/downstream/segmentation/upernet_r50_potsdam_adan.py \
#       work_dirs/segmentation/upernet_r50_potsdam_adan/iter_21600.pth --show-dir pictures
_base_ = [
    './_base_/models/upernet_r50.py',
    './_base_/datasets/potsdam.py',
    './_base_/schedules/cmid_adan.py',
    './_base_/runtime.py',
]

# CMID's head has six outputs, the last one for clutter, which the masks never ask for.
# Trained with it, since the published numbers come from it; scored are five classes.
model = dict(
    decode_head=dict(num_classes=6),
    auxiliary_head=dict(num_classes=6),
)
unscored_outputs = 1
