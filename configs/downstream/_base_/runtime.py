# Shared by every downstream task; the tasks' own runtimes set scope and visualizer.
_base_ = '../../_base_/default_runtime.py'

# File whose backbone the training starts with: tools/train.py --pretrained FILE, or
# --cfg-options checkpoint=FILE. None starts from random weights.
checkpoint = None
# Less than the whole backbone is an error, unless this is set (--allow-partial).
allow_partial = False

custom_hooks = [*_base_.custom_hooks, dict(type='rsp.NumClassesHook')]
# Outputs of the heads beyond the classes of the data, where a recipe has such.
unscored_outputs = 0

# Kernels of mmcv such as roi_align and psa_mask read raw memory: channels-last maps
# would come out scrambled. A task without them may switch it on.
memory_format = 'contiguous'
# Images come in many sizes, and each would start a new search.
env_cfg = dict(cudnn_benchmark=False)
