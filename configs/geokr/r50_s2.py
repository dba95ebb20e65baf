_base_ = './geokr_resnet50_1xb8-adam-steplr-10e_s2-worldcover.py'
