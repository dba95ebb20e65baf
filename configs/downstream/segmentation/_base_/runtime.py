# Shared by all segmentation runs: mmseg's parts by plain names, ours by `rsp.`.
_base_ = '../../_base_/runtime.py'

default_scope = 'mmseg'
custom_imports = dict(
    imports=['rsp', 'rsp.tasks.segmentation'], allow_failed_imports=False
)

# Training counts iterations, as all of mmseg does.
log_processor = dict(by_epoch=False)
default_hooks = dict(
    logger=dict(log_metric_by_epoch=False),
    checkpoint=dict(
        by_epoch=False, interval=-1, save_last=True, save_best='mIoU', rule='greater'
    ),
)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
val_evaluator = dict(type='rsp.PerClassIoUMetric')
test_evaluator = dict(type='rsp.PerClassIoUMetric')
visualizer = dict(type='rsp.SegmentationVisualizer')
