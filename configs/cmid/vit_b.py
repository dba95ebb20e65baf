_base_ = './cmid_vit-base_4xb64-adan-coslr-200e_maid.py'
