_base_ = './geokr_resnet50_1xb8-fast-adam-steplr-10e_levir-kr.py'
