"""Detect upright boxes by mmdet; importing this registers the parts under ``rsp``."""

from rsp.tasks.detection.average_precision import BoxAveragePrecision
from rsp.tasks.detection.coco import CocoDetectionDataset
from rsp.tasks.detection.dior import DIORCocoDataset, DIORDataset
from rsp.tasks.detection.dota import DOTACocoDataset
from rsp.tasks.detection.preprocessor import DetBandDataPreprocessor
from rsp.tasks.detection.voc import VOCDetectionDataset
from rsp.visualization.boxes import BoxVisualizer

__all__ = [
    'BoxAveragePrecision',
    'BoxVisualizer',
    'CocoDetectionDataset',
    'DIORCocoDataset',
    'DIORDataset',
    'DOTACocoDataset',
    'DetBandDataPreprocessor',
    'VOCDetectionDataset',
]
