# UPerNet with Swin-B on Potsdam by CMID's later recipe: Adan 3e-4, otherwise as upernet_swin-b_potsdam.py.
#
# Source: files of 2023-10 in CMID's repository.
# Expected: no number is published for it; those of the paper predate it.
# Cost: as upernet_swin-b_potsdam.py, about 6 hours on one A100 (an estimate).
# Departures: betas are not reported; those of CMID's pre-training.
#
# Commands:
#   python tools/train.py configs/downstream/segmentation/upernet_swin-b_potsdam_adan.py --pretrained checkpoint.pth
#   python tools/test.py configs/downstream/segmentation/upernet_swin-b_potsdam_adan.py \
#       work_dirs/segmentation/upernet_swin-b_potsdam_adan/iter_21600.pth --show-dir pictures
_base_ = [
    './_base_/models/upernet_swin-b.py',
    './_base_/datasets/potsdam.py',
    './_base_/schedules/cmid_adan_swin.py',
    './_base_/runtime.py',
]

# CMID's head has six outputs, the last one for clutter, which the masks never ask for.
# Trained with it, since the published numbers come from it; scored are five classes.
model = dict(
    decode_head=dict(num_classes=6),
    auxiliary_head=dict(num_classes=6),
)
unscored_outputs = 1
