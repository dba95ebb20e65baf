# kNN and linear probe of a frozen ResNet-18 on the land-use scenes of the quick start:
# 800 images to fit, 800 to score, 10 classes, 64 px (data/quickstart/README.md).
#
# Source: our own protocol. kNN as in https://arxiv.org/abs/1805.01978, Sec. 3.4.
# Expected number: what tools/quickstart.sh prints, see configs/gersp/r18_quickstart.py.
# Cost: about 20 s on one CPU core.
# Command, with a backbone written by tools/export_backbone.py:
#   python tools/test.py configs/downstream/classification/r18_eurosat-quickstart_probe.py \
#       work_dirs/gersp/r18_quickstart/backbone.pth
#
# A randomly initialized backbone is scored fairly by adding
#   --cfg-options test_cfg.reestimate_batch_norm=True
_base_ = './_base_/recipes/quickstart_probe.py'

model = dict(backbone=dict(type='ResNet', depth=18, out_indices=(3,)))
