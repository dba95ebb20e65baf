_base_ = './cmid_resnet18_1xb64-adan-coslr-16e_quickstart.py'
