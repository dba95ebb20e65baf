"""Land cover per pixel: what mmseg lacks or passes over in silence."""

from rsp.downstream.segmentation.isprs import ISPRSFiveClasses
from rsp.downstream.segmentation.levir_cs import LevirCS
from rsp.downstream.segmentation.load_mask import LoadMaskAnnotations
from rsp.downstream.segmentation.loveda import LoveDA
from rsp.downstream.segmentation.mask_folder import MaskFolder
from rsp.downstream.segmentation.metric import PerClassIoUMetric
from rsp.downstream.segmentation.visualizer import SegmentationVisualizer

__all__ = [
    'ISPRSFiveClasses',
    'LevirCS',
    'LoadMaskAnnotations',
    'LoveDA',
    'MaskFolder',
    'PerClassIoUMetric',
    'SegmentationVisualizer',
]
