# kNN and linear probe of a frozen Swin-B on AID: 2,000 images to fit and 8,000 to
# score, 600 px, 30 classes.
#
# Source: our own protocol, see README.md. kNN as in https://arxiv.org/abs/1805.01978,
#   Sec. 3.4.
# Expected number: none published, and none of ours yet.
# Cost: an estimate: one pass over 10,000 images, a few minutes on one GPU.
# Command:
#   python tools/test.py configs/downstream/classification/swin-b_aid_probe.py \
#       work_dirs/cmid/swin_b/epoch_200.pth
#
# A randomly initialized backbone: `random` for the checkpoint.
_base_ = ['./_base_/datasets/aid.py', './_base_/recipes/swin-b_probe.py']

test_dataloader = dict(dataset=_base_.test_data)
test_cfg = dict(train_dataloader=dict(dataset=_base_.train_data))
