# kNN and linear probe of a frozen Swin-B on NWPU-RESISC45: 6,300 images to fit and
# 25,200 to score, 256 px, 45 classes.
#
# Source: our own protocol, see README.md. kNN as in https://arxiv.org/abs/1805.01978,
#   Sec. 3.4.
# Expected number: none published, and none of ours yet.
# Cost: an estimate: one pass over 31,500 images, a few minutes on one GPU.
# Command:
#   python tools/test.py configs/downstream/classification/swin-b_resisc45_probe.py \
#       work_dirs/cmid/swin_b/epoch_200.pth
#
# A randomly initialized backbone: `random` for the checkpoint.
_base_ = ['./_base_/datasets/resisc45.py', './_base_/recipes/swin-b_probe.py']

test_dataloader = dict(dataset=_base_.test_data)
test_cfg = dict(train_dataloader=dict(dataset=_base_.train_data))
