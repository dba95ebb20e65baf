_base_ = './cmid_resnet50_1xb64-adan-coslr-400e_potsdam.py'
