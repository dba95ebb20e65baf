# kNN and linear probe on the land-use scenes of the quick start: 800 images to fit, 800
# to score, 10 classes, 64 px; the experiment adds the backbone.
_base_ = '../../../../_base_/default_runtime.py'

model = dict(
    type='ImageClassifier',
    data_preprocessor=dict(
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        to_rgb=True,
    ),
)

pipeline = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]
probe_data = dict(
    type='rsp.ImageFolder',
    data_root='data/quickstart/probe',
    with_label=True,
    pipeline=pipeline,
)
# To fit on. Shuffled, since batch-norm statistics of class-sorted batches are wrong.
probe_train_dataloader = dict(
    batch_size=100,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(data_prefix='train', **probe_data),
)
# To score.
test_dataloader = dict(
    batch_size=100,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(data_prefix='val', **probe_data),
)
test_cfg = dict(
    type='rsp.ProbeLoop',
    train_dataloader=probe_train_dataloader,
    probes=[
        dict(type='rsp.KNNProbe', k=20, temperature=0.07),
        dict(type='rsp.LinearProbe', l2=1e-3),
    ],
    reestimate_batch_norm=False,
)
test_evaluator = []  # the probes do the scoring
