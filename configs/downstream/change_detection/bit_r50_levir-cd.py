# New and vanished buildings on LEVIR-CD: BIT on a pre-trained ResNet-50.
#
# Source: the protocol of CMID for CDD (see bit_r50_cdd.py), which names none for
#   LEVIR-CD, on the field's usual data: the official split, cut into 256 px without
#   overlap (BIT, https://arxiv.org/abs/2103.00208, Sec. IV-A).
# Expected: unknown for our pre-trainings. For comparison, BIT itself (ResNet-18 of
#   ImageNet, dilated to stride 8, lr .01): F1 89.31 %, IoU 80.68 %.
# Cost: an estimate, not measured: 178,000 iterations, about 9 h on one recent GPU.
# Command:
#   python tools/train.py configs/downstream/change_detection/bit_r50_levir-cd.py \
#       --pretrained checkpoint.pth
#   python tools/test.py configs/downstream/change_detection/bit_r50_levir-cd.py \
#       work_dirs/change_detection/bit_r50_levir-cd/best_change_F1_epoch_200.pth --show-dir pictures
# Deviations: from BIT: backbone and learning rate, pixels in 0-255, and flips and quarter
#   turns in the place of flips, scaling and blur.
_base_ = [
    './_base_/models/bit_r50.py',
    './_base_/datasets/levir-cd.py',
    './_base_/schedules/sgd_linear-200e.py',
    './_base_/runtime.py',
]
