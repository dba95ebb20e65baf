# MoCo v1 on the mixture of scenes and photos, ResNet-50, 200 epochs: the
# "MoCo-IN-MAID" rows of GeRSP's tables, which its supervised branch is measured
# against. Method: He et al., CVPR 2020, https://arxiv.org/abs/1911.05722.
#
# Published numbers (GeRSP, TGRS 2024, doi:10.1109/TGRS.2024.3354031; not measured by
# us, and how the authors mixed and trained is not known):
#   classification table: EuroSAT 97.47 +- 0.10, NWPU-RESISC45 91.15 +- 0.20 top-1
#   Table II, DIOR AP50:  Faster R-CNN 65.8, RetinaNet 63.1, DyHead 68.7
#   Table III, DOTA AP50, horizontal boxes: 63.0, 59.2, 62.9 with the same detectors
#   Table IV, LoveDA mIoU: PSANet 48.34, DeepLabV3+ 48.26
# Hardware: about 94 h on 8x V100 in fp32 (derived: 2,272,015 images at the rate that
#   MoCo's README gives).
# Command:
#   bash tools/dist_train.sh configs/moco/r50_maid-in1k.py 8
#
# One pool, drawn without regard to the source: every image once an epoch.
_base_ = './moco_resnet50_8xb32-steplr-200e_in1k.py'

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[
            dict(
                type='rsp.ImageFolder',
                data_root='data/million_aid',
                data_prefix='test',
                with_label=False,
                pipeline={{_base_.pipeline}},
            ),
            dict(
                type='rsp.ImageFolder',
                data_root='data/ImageNet',
                data_prefix='train',
                with_label=False,
                pipeline={{_base_.pipeline}},
            ),
        ],
    ),
)
