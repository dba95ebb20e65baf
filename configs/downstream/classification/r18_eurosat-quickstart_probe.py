# kNN and linear probe of a frozen ResNet-18 on the land-use scenes of the quick start:
# 800 images to fit, 800 to score, 10 classes, 64 px (data/quickstart/README.md).
#
# Source: our own protocol. kNN as in https://arxiv.org/abs/1805.01978, Sec. 3.4.
# Expected number: what tools/quickstart.sh prints, see configs/gersp/r18_quickstart.py.
# Cost: about 20 s on one CPU core.
# Command, with a backbone written by tools/export_backbone.py:
#   python tools/test.py configs/downstream/classification/r18_eurosat-quickstart_probe.py \
#       work_dirs/gersp/r18_quickstart/backbone.pth
#
# A randomly initialised backbone is scored fairly by adding
#   --cfg-options test_cfg.reestimate_batch_norm=True
_base_ = '../../_base_/default_runtime.py'

model = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet', depth=18, out_indices=(3,)),
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
