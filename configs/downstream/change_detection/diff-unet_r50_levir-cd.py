# New and vanished buildings on LEVIR-CD: a U-shaped decoder over differences of a
# pre-trained ResNet-50's maps, the simple baseline beside BIT.
#
# Source: our own protocol: the head after FC-Siam-diff
#   (https://arxiv.org/abs/1810.08462), all else as in bit_r50_levir-cd.py, so that the
#   two differ by the head alone.
# Expected: unknown for our pre-trainings. For comparison, FC-Siam-diff trained from
#   nothing, as BIT's authors measured it: F1 86.31 %, IoU 75.92 %.
# Cost: an estimate, not measured: 178,000 iterations, about 9 h on one recent GPU.
# Command:
#   python tools/train.py configs/downstream/change_detection/diff-unet_r50_levir-cd.py \
#       --pretrained checkpoint.pth
#   python tools/test.py configs/downstream/change_detection/diff-unet_r50_levir-cd.py \
#       work_dirs/change_detection/diff-unet_r50_levir-cd/best_change_F1_epoch_200.pth --show-dir pictures
# Deviations: from FC-Siam-diff: a pre-trained backbone, see rsp.DifferenceUNetHead.
_base_ = [
    './_base_/models/diff-unet_r50.py',
    './_base_/datasets/levir-cd.py',
    './_base_/schedules/sgd_linear-200e.py',
    './_base_/runtime.py',
]
