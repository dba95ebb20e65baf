# GeRSP, ResNet-50, 200 epochs: Huang et al., TGRS 2024, doi:10.1109/TGRS.2024.3354031.
#
# Published numbers ("GeRSP-200" rows; not measured by us):
#   classification table: EuroSAT 97.87 +- 0.10, NWPU-RESISC45 92.74 +- 0.09 top-1
#   Table II, DIOR AP50:  Faster R-CNN 67.8, RetinaNet 68.7, DyHead 72.2
#   Table III, DOTA AP50, horizontal boxes: 66.1, 63.0, 67.4 with the same detectors
#   Table IV, LoveDA mIoU: PSANet 49.56, DeepLabV3+ 50.56
# Hardware: 8x RTX 2080 Ti; the hours were not published. Derived: about 93 h on
#   8x V100 in fp32, 10 h on 8x A100 with --amp.
# Command:
#   bash tools/dist_train.sh configs/gersp/r50_200e.py 8
#
# The authors released these weights without a config: ten periods instead of five is
# our reading. Everything else, deviations included, is that of the 100 epochs.
_base_ = './gersp_resnet50_8xb32-coslr-restart-100e_maid-in1k.py'

param_scheduler = dict(periods=[20] * 10, restart_weights=[1] * 10)
train_cfg = dict(max_epochs=200)
