_base_ = './mocov2_resnet18_1xb64-adamw-coslr-10e_quickstart-mixture.py'
