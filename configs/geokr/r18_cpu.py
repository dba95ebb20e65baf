_base_ = './geokr_resnet18_1xb16-adam-steplr-20e_scenes.py'
