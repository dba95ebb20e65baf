_base_ = './simsiam_resnet18_1xb64-adamw-coslr-10e_quickstart.py'
