"""Detect oriented boxes by mmrotate: data sets, metric and pictures.

Importing this package registers its parts in ``rsp``'s registries, and mmrotate's.
"""

import mmrotate.datasets
import mmrotate.models
import mmrotate.visualization  # noqa: F401

from rsp.tasks.oriented_detection.coco_dataset import OrientedCocoDataset
from rsp.tasks.oriented_detection.dior_dataset import OrientedDIORDataset
from rsp.tasks.oriented_detection.dota_dataset import OrientedDOTADataset
from rsp.tasks.oriented_detection.dota_metric import OrientedDOTAMetric
from rsp.visualization.oriented_boxes import OrientedBoxVisualizer

__all__ = [
    'OrientedBoxVisualizer',
    'OrientedCocoDataset',
    'OrientedDIORDataset',
    'OrientedDOTADataset',
    'OrientedDOTAMetric',
]
