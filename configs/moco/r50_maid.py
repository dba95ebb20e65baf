_base_ = './moco_resnet50_8xb32-steplr-200e_maid.py'
