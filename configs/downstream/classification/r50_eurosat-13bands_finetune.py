# Fine-tuning ResNet-50 on all 13 bands of EuroSAT: 21,600 images to train on and 5,400 to
# score, 64 px, 10 classes; the split of r50_eurosat_finetune.py.
#
# Source: our own protocol, that of r50_eurosat_finetune.py.
# Expected number: none published for it, and none of ours yet.
# Cost: an estimate: 2,160,000 images, 2 h on one GPU at 400 images/s, if the loading
#   keeps up.
# Command:
#   python tools/train.py configs/downstream/classification/r50_eurosat-13bands_finetune.py \
#       --pretrained work_dirs/moco/r50_s2_13bands/epoch_200.pth
#   python tools/test.py configs/downstream/classification/r50_eurosat-13bands_finetune.py \
#       work_dirs/classification/r50_eurosat-13bands_finetune/epoch_100.pth
#
# From a backbone for RGB images: add --inflate-stem to the first.
_base_ = ['./_base_/recipes/r50_finetune.py', './_base_/datasets/eurosat-13bands.py']

model = dict(head=dict(num_classes=10), **_base_.model_of_13_bands)
train_pipeline = [
    _base_.load,
    dict(type='RandomResizedCrop', scale=224, interpolation='bicubic'),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
test_data = dict(pipeline=_base_.scoring_pipeline, **_base_.test_data)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, **_base_.train_data))
val_dataloader = dict(dataset=test_data)
test_dataloader = dict(dataset=test_data)
