# MoCo v1 on satellite scenes, ResNet-50, 200 epochs: the "MoCo-MAID" rows of GeRSP's
# tables. Method: He et al., CVPR 2020, https://arxiv.org/abs/1911.05722.
#
# Published numbers (GeRSP, TGRS 2024, doi:10.1109/TGRS.2024.3354031; not measured by
# us, and how the authors trained this baseline is not known):
#   classification table: EuroSAT 97.52 +- 0.10, NWPU-RESISC45 91.19 +- 0.15 top-1
#   Table II, DIOR AP50:  Faster R-CNN 66.1, RetinaNet 64.2, DyHead 68.5
#   Table III, DOTA AP50, horizontal boxes: 63.6, 59.9, 63.5 with the same detectors
#   Table IV, LoveDA mIoU: PSANet 47.15, DeepLabV3+ 47.20
# Hardware: about 41 h on 8x V100 in fp32 (derived: 990,848 scenes at the rate that
#   MoCo's README gives).
# Command:
#   bash tools/dist_train.sh configs/moco/r50_maid.py 8
_base_ = './moco_resnet50_8xb32-steplr-200e_in1k.py'

# data/million_aid/test/**/*.jpg
train_dataloader = dict(
    dataset=dict(data_root='data/million_aid', data_prefix='test'),
)
