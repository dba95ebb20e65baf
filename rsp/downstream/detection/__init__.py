"""Horizontal boxes with mmdet; importing this registers the parts under ``rsp``."""

from rsp.downstream.detection.average_precision import BoxAveragePrecision
from rsp.downstream.detection.box_visualizer import BoxVisualizer
from rsp.downstream.detection.coco import CocoDetectionDataset
from rsp.downstream.detection.dior import DIORCocoDataset, DIORDataset
from rsp.downstream.detection.dota import DOTACocoDataset
from rsp.downstream.detection.voc import VOCDetectionDataset

__all__ = [
    'BoxAveragePrecision',
    'BoxVisualizer',
    'CocoDetectionDataset',
    'DIORCocoDataset',
    'DIORDataset',
    'DOTACocoDataset',
    'VOCDetectionDataset',
]
