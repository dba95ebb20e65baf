# A test of seconds: the backbone of tiny_gersp.py, scored by its nearest image.
_base_ = '../../configs/_base_/default_runtime.py'

data_root = 'data'
images = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='rsp.ImageFolder',
        data_root=data_root,
        data_prefix='natural',
        with_label=True,
        pipeline=[dict(type='LoadImageFromFile'), dict(type='PackInputs')],
    ),
)
model = dict(
    type='ImageClassifier',
    backbone=dict(
        type='ResNet', depth=18, base_channels=4, stem_channels=4, out_indices=(3,)
    ),
    data_preprocessor=dict(mean=[124, 116, 104], std=[58, 57, 57], to_rgb=True),
)
test_dataloader = images
test_cfg = dict(
    type='rsp.ProbeLoop',
    train_dataloader=images,
    probes=[dict(type='rsp.KNNProbe', k=1)],
)
test_evaluator = []
