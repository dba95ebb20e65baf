# kNN and linear probe of a frozen ResNet-50 on all 13 bands of EuroSAT: 21,600 images to
# fit and 5,400 to score, 64 px, 10 classes; the split of r50_eurosat_probe.py.
#
# Source: our own protocol, see README.md.
# Expected number: none published, and none of ours yet.
# Cost: an estimate: one pass over 27,000 images, some minutes on one GPU.
# Command:
#   python tools/test.py configs/downstream/classification/r50_eurosat-13bands_probe.py \
#       work_dirs/moco/r50_s2_13bands/epoch_200.pth
#
# A backbone that was pre-trained on other bands, or in another order of them, needs
# `bands` of the loader, mean and std as there; docs/pixels.md.
_base_ = ['./_base_/recipes/r50_probe.py', './_base_/datasets/eurosat-13bands.py']

model = _base_.model_of_13_bands
pipeline = _base_.scoring_pipeline
test_dataloader = dict(dataset=dict(pipeline=pipeline, **_base_.test_data))
test_cfg = dict(
    train_dataloader=dict(dataset=dict(pipeline=pipeline, **_base_.train_data))
)
