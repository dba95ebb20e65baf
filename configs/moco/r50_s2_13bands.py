_base_ = './mocov2_resnet50_8xb32-coslr-200e_s2-13bands.py'
