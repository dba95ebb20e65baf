"""Define the registries of rsp.

Each is a child of mmengine's root registry under the scope ``rsp``, so every
mm-project refers to our parts by the same name, e.g. ``type='rsp.GeRSP'``.
"""

from mmengine import registry as root
from mmengine.registry import Registry


def _child_of(parent: Registry) -> Registry:
    # Importing `rsp` registers all parts, so that is where a lookup begins.
    return Registry(parent.name, parent=parent, scope='rsp', locations=['rsp'])


MODELS = _child_of(root.MODELS)
DATASETS = _child_of(root.DATASETS)
DATA_SAMPLERS = _child_of(root.DATA_SAMPLERS)
FUNCTIONS = _child_of(root.FUNCTIONS)
TRANSFORMS = _child_of(root.TRANSFORMS)
HOOKS = _child_of(root.HOOKS)
LOOPS = _child_of(root.LOOPS)
RUNNERS = _child_of(root.RUNNERS)
OPTIM_WRAPPERS = _child_of(root.OPTIM_WRAPPERS)
OPTIM_WRAPPER_CONSTRUCTORS = _child_of(root.OPTIM_WRAPPER_CONSTRUCTORS)
PARAM_SCHEDULERS = _child_of(root.PARAM_SCHEDULERS)
METRICS = _child_of(root.METRICS)
VISUALIZERS = _child_of(root.VISUALIZERS)
VISBACKENDS = _child_of(root.VISBACKENDS)
