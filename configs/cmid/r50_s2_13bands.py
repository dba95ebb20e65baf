_base_ = './cmid_resnet50_4xb64-adan-coslr-200e_s2-13bands.py'
