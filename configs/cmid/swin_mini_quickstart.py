_base_ = './cmid_swin-mini_1xb64-adamw-coslr-24e_quickstart.py'
