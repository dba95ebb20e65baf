_base_ = './supervised_resnet18_1xb64-adamw-coslr-10e_quickstart.py'
