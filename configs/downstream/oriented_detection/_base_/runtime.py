# Shared by every run of oriented detection: mmrotate's parts by their own names.
_base_ = '../../_base_/runtime.py'

default_scope = 'mmrotate'
custom_imports = dict(
    imports=['rsp', 'rsp.tasks.oriented_detection'], allow_failed_imports=False
)
# Named after its run: mmengine hands a second run of one process the first one's
# visualizer, with its folder, if the names are equal.
visualizer = dict(type='rsp.OrientedBoxVisualizer')
