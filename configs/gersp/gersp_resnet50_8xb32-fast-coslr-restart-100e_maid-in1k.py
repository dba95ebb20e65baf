# GeRSP, ResNet-50, 100 epochs, as fast as a GPU allows: the mathematics of r50.py.
#
# Expected number: as r50.py; none published for mixed precision, and none of ours yet.
# Hardware: not measured on a GPU yet, see docs/performance.md. Derived from published
#   rates of ResNet-50: about 5 h on 8x A100.
# Command:
#   bash tools/dist_train.sh configs/gersp/r50_fast.py 8
#
# Differs from r50.py, which computes all in float32:
#   - convolutions and linear layers in bfloat16, or in float16 with a scaled loss on GPUs
#     without it; weights, batch norm's statistics, cosines and losses stay float32
#   - student and teacher are compiled by torch.compile: the first step takes minutes;
#     `compile_backbone=False` where that fails
#   - the optimizer's update is one fused kernel, with sums in another order
#   - views are made on the device, of the same parameters from the same seeds, and rounded
#     once; the loader decodes and sends one image per item
# Weights are channels-last in both. A checkpoint of one goes on in the other.
_base_ = './gersp_resnet50_8xb32-coslr-restart-100e_maid-in1k.py'

optim_wrapper = dict(type='rsp.MixedPrecisionOptimWrapper', optimizer=dict(fused=True))
compile_backbone = True

sources = dict(
    remote=dict(transforms=[_base_.view], num_views=2),
    natural=dict(transforms=[_base_.view], num_views=1),
)
data_preprocessor = dict(
    sources=dict(
        remote=dict(memory_format='channels_last', **sources['remote']),
        natural=dict(memory_format='channels_last', **sources['natural']),
    ),
)
train_dataloader = dict(
    dataset=dict(
        sources=dict(
            remote=dict(
                pipeline=[
                    dict(type='rsp.LoadForDevice', **sources['remote']),
                    dict(type='rsp.PackForDevice'),
                ]
            ),
            natural=dict(
                pipeline=[
                    dict(type='rsp.LoadForDevice', **sources['natural']),
                    dict(type='rsp.PackForDevice'),
                ]
            ),
        ),
    ),
)
