# CMID, ResNet-50, 200 epochs, as fast as a GPU allows: the mathematics of r50.py.
#
# Expected number: as r50.py, whose published runs used float16; none of ours yet.
# Hardware: not measured on a GPU yet, see docs/performance.md.
# Command:
#   bash tools/dist_train.sh configs/cmid/r50_fast.py 4
#
# Differs from r50.py, which computes all in float32:
#   - convolutions and linear layers in bfloat16, or in float16 with a scaled loss on GPUs
#     without it; weights, batch norm's statistics, cosines, spectra and losses stay
#     float32
#   - student and teacher are compiled by torch.compile: the first step takes minutes;
#     batch norm that is synchronized over processes is left out of the compiled parts;
#     `compile_backbone=False` where that fails
# Weights are channels-last in both; Adan has no fused kernel in torch and stays as it is,
# a few calls per step. A checkpoint of one goes on in the other.
_base_ = './cmid_resnet50_4xb64-adan-coslr-200e_maid.py'

optim_wrapper = dict(type='rsp.MixedPrecisionOptimWrapper')
compile_backbone = True
