# Fine-tuning Swin-B on NWPU-RESISC45: 6,300 images to train on and 25,200 to score, 256
# px, 45 classes.
#
# Source: no paper of the methods here reports it. Chosen: what Swin is usually
#   fine-tuned with (AdamW, lr 1e-4, weight decay 0.05, drop path 0.2, batch 64, 100
#   epochs); 2:8, one of the two splits in the paper of the data set.
# Expected number: none published, and none of ours yet.
# Cost: an estimate: 630,000 images, 70 min on one GPU at 150 images/s; --amp is about
#   twice as fast.
# Command:
#   python tools/train.py configs/downstream/classification/swin-b_resisc45_finetune.py \
#       --pretrained work_dirs/cmid/swin_b/epoch_200.pth
#   python tools/test.py configs/downstream/classification/swin-b_resisc45_finetune.py \
#       work_dirs/classification/swin-b_resisc45_finetune/epoch_100.pth
#
# Mean over repeats: --cfg-options randomness.seed=1 and so on.
_base_ = ['./_base_/datasets/resisc45.py', './_base_/recipes/swin-b_finetune.py']

model = dict(head=dict(num_classes=45))
train_dataloader = dict(dataset=_base_.train_data)
val_dataloader = dict(dataset=_base_.test_data)
test_dataloader = dict(dataset=_base_.test_data)
