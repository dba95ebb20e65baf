# mmdet's parts by their plain names, ours with the prefix `rsp.`.
_base_ = '../../_base_/runtime.py'

default_scope = 'mmdet'
custom_imports = dict(
    imports=['rsp', 'rsp.tasks.detection'], allow_failed_imports=False
)
# Readable where boxes are small and many.
visualizer = dict(type='rsp.BoxVisualizer', name='visualizer')
