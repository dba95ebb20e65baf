# Shared by every training and test of this task.
_base_ = '../../_base_/runtime.py'

default_scope = 'mmpretrain'
custom_imports = dict(
    imports=['rsp', 'rsp.tasks.classification'], allow_failed_imports=False
)

# Plain convolutions on images of one size.
memory_format = 'channels_last'
env_cfg = dict(cudnn_benchmark=True)
