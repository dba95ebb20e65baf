_base_ = './cmid_swin-base_1xb64-adan-coslr-400e_potsdam.py'
