# Change of any kind between seasons on CDD: a U-shaped decoder over differences of a
# pre-trained ResNet-50's maps, the simple baseline beside BIT.
#
# Source: our own protocol: the head after FC-Siam-diff
#   (https://arxiv.org/abs/1810.08462), all else as in bit_r50_cdd.py, so that the two
#   differ by the head alone.
# Expected: unknown; CMID's numbers with BIT are in README.md.
# Cost: an estimate, not measured: 250,000 iterations, about 12 h on one recent GPU.
# Command:
#   python tools/train.py configs/downstream/change_detection/diff-unet_r50_cdd.py \
#       --pretrained checkpoint.pth
#   python tools/test.py configs/downstream/change_detection/diff-unet_r50_cdd.py \
#       work_dirs/change_detection/diff-unet_r50_cdd/best_change_F1_epoch_200.pth --show-dir pictures
# Deviations: from FC-Siam-diff: a pre-trained backbone, see rsp.DifferenceUNetHead.
_base_ = [
    './_base_/models/diff-unet_r50.py',
    './_base_/datasets/cdd.py',
    './_base_/schedules/sgd_linear-200e.py',
    './_base_/runtime.py',
]
