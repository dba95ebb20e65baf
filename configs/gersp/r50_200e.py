_base_ = './gersp_resnet50_8xb32-coslr-restart-200e_maid-in1k.py'
