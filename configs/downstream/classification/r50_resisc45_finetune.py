# Fine-tuning ResNet-50 on NWPU-RESISC45: 6,300 images to train on and 25,200 to score,
# 256 px, 45 classes.
#
# Source: GeRSP (doi:10.1109/TGRS.2024.3354031) fine-tunes or probes by
#   mmclassification; which of them, split, epochs and repeats are unknown. Chosen:
#   mmpretrain's schedule for small sets (SGD, lr 0.01, batch 64, 100 epochs); 2:8, one
#   of the two splits in the paper of the data set.
# Expected number: top-1 of Table I, protocol unknown, not measured by us: IMP 92.48 +-
#   0.13, MoCo-IN 90.77 +- 0.19, MoCo-MAID 91.19 +- 0.15, GeRSP 92.67 +- 0.16, GeRSP-200
#   92.74 +- 0.09.
# Cost: an estimate: 630,000 images, 25 min on one GPU at 400 images/s; --amp is about
#   twice as fast.
# Command:
#   python tools/train.py configs/downstream/classification/r50_resisc45_finetune.py \
#       --pretrained work_dirs/gersp/r50/epoch_100.pth
#   python tools/test.py configs/downstream/classification/r50_resisc45_finetune.py \
#       work_dirs/classification/r50_resisc45_finetune/epoch_100.pth
#
# For a mean and deviation over repeats, as published, add --cfg-options
# randomness.seed=1 and so on.
_base_ = ['./_base_/datasets/resisc45.py', './_base_/recipes/r50_finetune.py']

model = dict(head=dict(num_classes=45))
train_dataloader = dict(dataset=_base_.train_data)
val_dataloader = dict(dataset=_base_.test_data)
test_dataloader = dict(dataset=_base_.test_data)
