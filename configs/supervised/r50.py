_base_ = './supervised_resnet50_8xb32-steplr-100e_in1k.py'
