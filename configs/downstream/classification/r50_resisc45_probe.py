# kNN and linear probe of a frozen ResNet-50 on NWPU-RESISC45: 6,300 images to fit and
# 25,200 to score, 256 px, 45 classes.
#
# Source: our own protocol, see README.md. kNN as in https://arxiv.org/abs/1805.01978,
#   Sec. 3.4.
# Expected number: none published, and none of ours yet. GeRSP, Table I, does not say
#   whether it probes or fine-tunes: the numbers are in the header of
#   r50_resisc45_finetune.py.
# Cost: an estimate: one pass over 31,500 images, a few minutes on one GPU.
# Command:
#   python tools/test.py configs/downstream/classification/r50_resisc45_probe.py \
#       work_dirs/gersp/r50/epoch_100.pth
#
# A randomly initialized backbone (`random` for the checkpoint) is scored fairly by
# adding --cfg-options test_cfg.reestimate_batch_norm=True
_base_ = ['./_base_/datasets/resisc45.py', './_base_/recipes/r50_probe.py']

test_dataloader = dict(dataset=_base_.test_data)
test_cfg = dict(train_dataloader=dict(dataset=_base_.train_data))
