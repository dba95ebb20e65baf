# kNN and linear probe of a frozen Swin-B on EuroSAT: 21,600 images to fit and 5,400 to
# score, 64 px, 10 classes.
#
# Source: our own protocol, see README.md. kNN as in https://arxiv.org/abs/1805.01978,
#   Sec. 3.4.
# Expected number: none published, and none of ours yet.
# Cost: an estimate: one pass over 27,000 images, a few minutes on one GPU, most of them
#   the fit of 10 x 1024 weights to 21,600 features.
# Command:
#   python tools/test.py configs/downstream/classification/swin-b_eurosat_probe.py \
#       work_dirs/cmid/swin_b/epoch_200.pth
#
# A randomly initialized backbone: `random` for the checkpoint.
_base_ = ['./_base_/datasets/eurosat.py', './_base_/recipes/swin-b_probe.py']

test_dataloader = dict(dataset=_base_.test_data)
test_cfg = dict(train_dataloader=dict(dataset=_base_.train_data))
