_base_ = './simsiam_resnet50_8xb32-coslr-200e_maid.py'
