_base_ = './cmid_swin-base_4xb64-adan-coslr-200e_maid.py'
