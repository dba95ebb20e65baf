# MoCo v2, ResNet-50, 200 epochs, as fast as a GPU allows: the mathematics of
# v2_r50_maid.py.
#
# Expected number: as v2_r50_maid.py; none published for mixed precision, none of ours.
# Hardware: not measured on a GPU yet, see docs/performance.md.
# Command:
#   bash tools/dist_train.sh configs/moco/v2_r50_maid_fast.py 8
#
# Differs from v2_r50_maid.py, which computes all in float32:
#   - convolutions and linear layers in bfloat16, or in float16 with a scaled loss on GPUs
#     without it; weights, batch norm's statistics, cosines and losses stay float32
#   - student and teacher are compiled by torch.compile: the first step takes minutes;
#     `compile_backbone=False` where that fails
#   - the optimizer's update is one fused kernel, with sums in another order
#   - views are made on the device, of the same parameters from the same seeds, and rounded
#     once; the loader decodes and sends one image per item
# Weights are channels-last in both. A checkpoint of one goes on in the other.
_base_ = './mocov2_resnet50_8xb32-coslr-200e_maid.py'

optim_wrapper = dict(type='rsp.MixedPrecisionOptimWrapper', optimizer=dict(fused=True))
compile_backbone = True

data_preprocessor = dict(
    type='rsp.DeviceViews',
    transforms=[_base_.view],
    num_views=2,
    memory_format='channels_last',
)
train_dataloader = dict(
    collate_fn=dict(type='rsp.stacked_collate'),
    dataset=dict(
        pipeline=[
            dict(type='rsp.LoadForDevice', transforms=[_base_.view], num_views=2),
            dict(type='rsp.PackForDevice'),
        ]
    ),
)
