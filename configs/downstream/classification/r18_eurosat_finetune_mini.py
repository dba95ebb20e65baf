# Fine-tuning ResNet-18 on the land-use scenes of the quick start, in minutes on a CPU:
# 800 images to train on, 800 to score, 10 classes, 64 px (data/quickstart/README.md).
#
# Source: our own recipe: AdamW, 400 steps of 32 crops of 48 px, the same with and
#   without pre-training and whatever the number of labels.
# Expected number: top-1 on seeds 0 and 1, measured: 70.1 and 66.4 from the quick start's
#   checkpoint, 69.1 and 69.5 from random weights, so no gain with all labels. README.md
#   has more.
# Cost: 2 to 3.5 min on one core of a shared AMD EPYC.
# Command, from the quick start's checkpoint (bash tools/quickstart.sh) and without:
#   python tools/train.py configs/downstream/classification/r18_eurosat_finetune_mini.py \
#       --pretrained work_dirs/gersp/r18_quickstart/epoch_10.pth
#   python tools/train.py configs/downstream/classification/r18_eurosat_finetune_mini.py
#   python tools/test.py configs/downstream/classification/r18_eurosat_finetune_mini.py \
#       work_dirs/classification/r18_eurosat_finetune_mini/iter_400.pth
_base_ = './_base_/recipes/r18_mini.py'
