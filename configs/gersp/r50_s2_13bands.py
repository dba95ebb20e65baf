_base_ = './gersp_resnet50_8xb32-coslr-restart-100e_s2-13bands-in1k.py'
