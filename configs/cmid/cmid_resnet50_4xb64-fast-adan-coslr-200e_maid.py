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
#   - scenes are squeezed to 224 x 224, antialiased, and views made on the device, rounded
#     once; crops and colors follow from the same seeds, masks from other numbers of these
# Weights are channels-last in both; Adan has no fused kernel in torch and stays as it is,
# a few calls per step. A checkpoint of one goes on in the other.
_base_ = './cmid_resnet50_4xb64-adan-coslr-200e_maid.py'

optim_wrapper = dict(type='rsp.MixedPrecisionOptimWrapper')
compile_backbone = True

weak = [
    dict(type='RandomResizedCrop', scale=224, crop_ratio_range=(0.3, 1.0)),
    dict(type='RandomFlip', prob=0.5),
]
data_preprocessor = dict(
    type='rsp.DeviceViews',
    transforms=[weak, [*weak, *_base_.strong]],
    num_views=[1, 1],
    resize_first=224,
    masked=dict(mask_patch_size=32, mask_ratio=0.6, stride=32),
    memory_format='channels_last',
)
pipeline = [
    dict(type='rsp.LoadImageFromFile', min_size=224),
    dict(type='rsp.PackForDevice'),
]
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=pipeline)))
