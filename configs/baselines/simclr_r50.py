_base_ = './simclr_resnet50_16xb256-coslr-200e_maid.py'
