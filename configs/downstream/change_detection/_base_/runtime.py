# Shared by every change detection. Plain names are looked up in mmseg.
_base_ = '../../_base_/runtime.py'

default_scope = 'mmseg'
custom_imports = dict(
    imports=['rsp', 'rsp.tasks.change_detection'], allow_failed_imports=False
)
visualizer = dict(
    type='rsp.ChangeVisualizer',
    vis_backends=[dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')],
)
# Every five epochs; the best F1 of the validation decides which model is tested.
default_hooks = dict(checkpoint=dict(interval=5, save_best='change/F1', rule='greater'))
# Crops have one size, so the fastest convolutions are worth searching for once.
env_cfg = dict(cudnn_benchmark=True)
