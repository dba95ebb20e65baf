# kNN and linear probe of a frozen ResNet-50; the experiment adds the data.
_base_ = '../runtime.py'

model = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet', depth=50, out_indices=(3,)),
    # ImageNet's mean and deviation, as in pre-training.
    data_preprocessor=dict(
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        to_rgb=True,
    ),
)

pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='ResizeEdge',
        scale=256,
        edge='short',
        backend='pillow',
        interpolation='bicubic',
    ),
    dict(type='CenterCrop', crop_size=224),
    dict(type='PackInputs'),
]
# To score.
test_dataloader = dict(
    batch_size=128,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(pipeline=pipeline),
)
test_cfg = dict(
    type='rsp.ProbeLoop',
    # To fit on. Shuffled, since batch-norm statistics of class-sorted batches are wrong.
    train_dataloader=dict(
        batch_size=128,
        num_workers=4,
        sampler=dict(type='DefaultSampler', shuffle=True),
        dataset=dict(pipeline=pipeline),
    ),
    probes=[
        dict(type='rsp.KNNProbe', k=20, temperature=0.07),
        dict(type='rsp.LinearProbe', l2=1e-3),
    ],
    reestimate_batch_norm=False,
)
test_evaluator = []  # the probes do the scoring
