_base_ = './geokr_vgg16-bn_1xb8-adam-steplr-10e_levir-kr.py'
