# Change of any kind between seasons on CDD: BIT on a pre-trained ResNet-50.
#
# Source: CMID (https://arxiv.org/abs/2304.09670), its evaluation on CDD as the official
#   code has it: SGD lr .002, momentum .99, weight decay 5e-4, batch 8, 200 epochs of
#   lr x (1 - e / 201), flips and quarter turns, pixels in 0-255 without normalization.
#   BIT: https://arxiv.org/abs/2103.00208.
# Expected: F1 of change 96.95 % from CMID's ResNet-50 (MillionAID, 200 epochs); others in
#   README.md. Printed as "mF1"; whether over the data set (change/F1) or as mean over
#   batches (change/F1_batch_mean) is unclear, so both are logged.
# Cost: an estimate, not measured: 250,000 iterations, about 12 h on one recent GPU.
# Command:
#   python tools/train.py configs/downstream/change_detection/bit_r50_cdd.py \
#       --pretrained checkpoint.pth
#   python tools/test.py configs/downstream/change_detection/bit_r50_cdd.py \
#       work_dirs/change_detection/bit_r50_cdd/best_change_F1_epoch_200.pth --show-dir pictures
# Deviations: masks count as change from 128 (there 254 is no change); the model of the
#   best validation F1 is tested, validated every 5 epochs.
_base_ = [
    './_base_/models/bit_r50.py',
    './_base_/datasets/cdd.py',
    './_base_/schedules/sgd_linear-200e.py',
    './_base_/runtime.py',
]
