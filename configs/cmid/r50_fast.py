_base_ = './cmid_resnet50_4xb64-fast-adan-coslr-200e_maid.py'
