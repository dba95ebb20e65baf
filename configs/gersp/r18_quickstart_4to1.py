_base_ = './gersp_resnet18_1xb16-adamw-coslr-6e_quickstart-4to1.py'
