_base_ = './gersp_resnet18_1xb64-coslr-restart-100e_maid-in1k.py'
