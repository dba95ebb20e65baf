# Change of any kind between seasons on CDD: BIT on a pre-trained Swin-B.
#
# Source: CMID (https://arxiv.org/abs/2304.09670), its evaluation on CDD as the official
#   code has it: AdamW lr 6e-5, weight decay .01, dropout .3, drop-path .3, batch 8, 200
#   epochs of lr x (1 - e / 201), flips and quarter turns, pixels in 0-255 without
#   normalization. BIT: https://arxiv.org/abs/2103.00208.
# Expected: F1 of change 97.11 % from CMID's Swin-B (MillionAID, 200 epochs), see README.md
#   and bit_r50_cdd.py on what "mF1" means.
# Cost: an estimate, not measured: 250,000 iterations, about 24 h on one recent GPU.
# Command:
#   python tools/train.py configs/downstream/change_detection/bit_swin-b_cdd.py \
#       --pretrained checkpoint.pth
#   python tools/test.py configs/downstream/change_detection/bit_swin-b_cdd.py \
#       work_dirs/change_detection/bit_swin-b_cdd/best_change_F1_epoch_200.pth --show-dir pictures
# Deviations: as in bit_r50_cdd.py. Weight decay on every parameter: sources name no
#   exception.
_base_ = [
    './_base_/models/bit_swin-b.py',
    './_base_/datasets/cdd.py',
    './_base_/schedules/adamw_linear-200e.py',
    './_base_/runtime.py',
]
