_base_ = './cmid_vit-tiny_1xb64-adan-coslr-16e_quickstart.py'
