# Fine-tuning ResNet-18 on 8 labeled scenes per class, in minutes on a CPU: 80 of the
# quick start's 800 training images, all 800 to score, 10 classes, 64 px.
#
# Source: our own recipe: AdamW, 400 steps of 32 crops of 48 px, the same with and
#   without pre-training and whatever the number of labels.
# Expected number: top-1 on seeds 0 and 1, measured: 56.1 and 57.3 from the quick start's
#   checkpoint, 53.5 and 56.1 from random weights. README.md has more.
# Cost: 2 to 3.5 min on one core of a shared AMD EPYC.
# Command, from the quick start's checkpoint (bash tools/quickstart.sh) and without:
#   python tools/train.py configs/downstream/classification/r18_eurosat-8shot_finetune_mini.py \
#       --pretrained work_dirs/gersp/r18_quickstart/epoch_10.pth
#   python tools/train.py configs/downstream/classification/r18_eurosat-8shot_finetune_mini.py
#   python tools/test.py configs/downstream/classification/r18_eurosat-8shot_finetune_mini.py \
#       work_dirs/classification/r18_eurosat-8shot_finetune_mini/iter_400.pth
#
# The list is that of
#   python tools/dataset_tools/make_splits.py eurosat-quickstart --per-class 8 \
#       --folder data/quickstart/probe/train --out lists
_base_ = './_base_/recipes/r18_mini.py'

train_dataloader = dict(
    dataset=dict(ann_file='{{ fileDirname }}/splits/eurosat-quickstart_train.txt')
)
