"""Segment land cover by mmseg: data sets, masks that must fit, a metric."""

from rsp.tasks.segmentation.isprs import ISPRSFiveClasses
from rsp.tasks.segmentation.levir_cs import LevirCS
from rsp.tasks.segmentation.load_mask import LoadMaskAnnotations
from rsp.tasks.segmentation.loveda import LoveDA
from rsp.tasks.segmentation.mask_folder import MaskFolder
from rsp.tasks.segmentation.metric import PerClassIoUMetric
from rsp.tasks.segmentation.preprocessor import SegBandDataPreprocessor
from rsp.visualization.segmentation import SegmentationVisualizer

__all__ = [
    'ISPRSFiveClasses',
    'LevirCS',
    'LoadMaskAnnotations',
    'LoveDA',
    'MaskFolder',
    'PerClassIoUMetric',
    'SegBandDataPreprocessor',
    'SegmentationVisualizer',
]
