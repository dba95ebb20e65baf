"""Define the registries of rsp.

Each is a child of mmengine's root registry under the scope ``rsp``, so every
mm-project refers to our parts by the same name, e.g. ``type='rsp.GeRSP'``.
"""

from importlib import import_module

from mmengine import registry as root
from mmengine.registry import Registry

from rsp.compat import warn_outside_tested_range
from rsp.errors import UserError, how_to_install

# Imported at the first lookup.
PARTS = [
    'rsp.datasets',
    'rsp.engine',
    'rsp.evaluation.knn',
    'rsp.evaluation.linear_probe',
    'rsp.evaluation.probe_loop',
    'rsp.models',
]
# Need mmdet, mmrotate or mmseg: imported when one of these names is looked up.
PARTS_OF_TASKS = {
    'change_detection': """BITHead ChangeDataset ChangeMetric ChangeVisualizer
        DifferenceUNetHead LoadChangeAnnotations LoadChangePair PairDataPreprocessor
        SiameseEncoderDecoder""",
    'classification': 'SceneBenchmark',
    'detection': """BoxAveragePrecision BoxVisualizer CocoDetectionDataset
        DIORCocoDataset DIORDataset DOTACocoDataset DetBandDataPreprocessor
        VOCDetectionDataset""",
    'oriented_detection': """OrientedCocoDataset OrientedDIORDataset
        OrientedDOTADataset OrientedDOTAMetric OrientedBoxVisualizer""",
    'segmentation': """ISPRSFiveClasses LevirCS LoadMaskAnnotations LoveDA MaskFolder
        PerClassIoUMetric SegBandDataPreprocessor SegmentationVisualizer""",
}
TASK_OF = {
    name: task for task, names in PARTS_OF_TASKS.items() for name in names.split()
}

warn_outside_tested_range()


class PartRegistry(Registry):
    """Find parts by name, and import a task when the first part of it is wanted."""

    def get(self, key: str) -> type | None:
        """Return the class of a name; None if there is none.

        Raises:
            UserError: If it is a part of a task whose mm-package is not installed.
        """
        task = TASK_OF.get(key.removeprefix('rsp.'))
        if task is not None:
            try:
                import_module(f'rsp.tasks.{task}')
            except ModuleNotFoundError as error:
                remedy = how_to_install(error)
                if remedy is None:
                    raise
                name = key.removeprefix('rsp.')
                raise UserError(f"building 'rsp.{name}': {remedy}") from error
        return super().get(key)


def _child_of(parent: Registry) -> Registry:
    return PartRegistry(parent.name, parent=parent, scope='rsp', locations=PARTS)


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
