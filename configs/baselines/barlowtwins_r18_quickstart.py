_base_ = './barlowtwins_resnet18_1xb64-adamw-coslr-10e_quickstart.py'
