# GeoKR, ResNet-50, 10 epochs, as fast as a GPU allows: the mathematics of r50.py.
#
# Expected number: as r50.py, whose official runs used mixed precision; none of ours yet.
# Hardware: one GPU, 8 images; not measured on a GPU yet, see docs/performance.md. Eight
#   images do not fill a large GPU: a larger batch with --auto-scale-lr gains more.
# Command:
#   python tools/train.py configs/geokr/r50_fast.py
#
# Differs from r50.py, which computes all in float32:
#   - convolutions and linear layers in bfloat16, or in float16 with a scaled loss on GPUs
#     without it; weights, batch norm's statistics and losses stay float32
#   - student and teacher are compiled by torch.compile: the first step takes minutes;
#     `compile_backbone=False` where that fails
#   - the optimizer's update is one fused kernel, with sums in another order
#   - views are made on the device, of the same parameters, and rounded once; colors
#     change after the image is resized; the loader decodes and sends one image per item
# Weights are channels-last in both. A checkpoint of one goes on in the other.
_base_ = './geokr_resnet50_1xb8-adam-steplr-10e_levir-kr.py'

optim_wrapper = dict(type='rsp.MixedPrecisionOptimWrapper', optimizer=dict(fused=True))
compile_backbone = True

data_preprocessor = dict(
    type='rsp.DeviceViews',
    transforms=[_base_.view],
    num_views=1,
    memory_format='channels_last',
)
pipeline = [
    dict(type='rsp.LoadForDevice', transforms=[_base_.view], num_views=1),
    dict(type='rsp.PackForDevice'),
]
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=pipeline)))
