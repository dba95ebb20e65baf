_base_ = './barlowtwins_resnet50_8xb256-coslr-300e_maid.py'
