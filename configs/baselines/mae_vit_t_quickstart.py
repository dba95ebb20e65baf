_base_ = './mae_vit-tiny_1xb64-adamw-coslr-10e_quickstart.py'
