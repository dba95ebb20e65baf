# Fine-tuning ResNet-50 on AID: 2,000 images to train on and 8,000 to score, 600 px, 30
# classes.
#
# Source: no paper of the methods here reports AID with a plain fine-tune. Chosen:
#   mmpretrain's schedule for small sets (SGD, lr 0.01, batch 64, 100 epochs); 2:8, one
#   of the two splits in the paper of the data set.
# Expected number: none published, and none of ours yet.
# Cost: an estimate: 200,000 images, 10 min on one GPU at 400 images/s; --amp is about
#   twice as fast.
# Command:
#   python tools/train.py configs/downstream/classification/r50_aid_finetune.py \
#       --pretrained work_dirs/gersp/r50/epoch_100.pth
#   python tools/test.py configs/downstream/classification/r50_aid_finetune.py \
#       work_dirs/classification/r50_aid_finetune/epoch_100.pth
#
# Mean over repeats: --cfg-options randomness.seed=1 and so on.
_base_ = ['./_base_/datasets/aid.py', './_base_/recipes/r50_finetune.py']

model = dict(head=dict(num_classes=30))
train_dataloader = dict(dataset=_base_.train_data)
val_dataloader = dict(dataset=_base_.test_data)
test_dataloader = dict(dataset=_base_.test_data)
