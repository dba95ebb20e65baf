_base_ = './gersp_swin-tiny_8xb32-coslr-100e_maid-in1k.py'
