_base_ = './mocov2_resnet50_8xb32-fast-coslr-200e_maid.py'
