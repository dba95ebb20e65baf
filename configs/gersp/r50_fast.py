_base_ = './gersp_resnet50_8xb32-fast-coslr-restart-100e_maid-in1k.py'
