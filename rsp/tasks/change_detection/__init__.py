"""Detect changes by mmseg: pairs, a Siamese segmentor, heads, scores, pictures."""

from rsp.tasks.change_detection.bit_head import BITHead
from rsp.tasks.change_detection.dataset import ChangeDataset
from rsp.tasks.change_detection.difference_unet_head import DifferenceUNetHead
from rsp.tasks.change_detection.loading import LoadChangeAnnotations, LoadChangePair
from rsp.tasks.change_detection.metric import ChangeMetric
from rsp.tasks.change_detection.preprocessor import PairDataPreprocessor
from rsp.tasks.change_detection.segmentor import SiameseEncoderDecoder
from rsp.visualization.change_pairs import ChangeVisualizer

__all__ = [
    'BITHead',
    'ChangeDataset',
    'ChangeMetric',
    'ChangeVisualizer',
    'DifferenceUNetHead',
    'LoadChangeAnnotations',
    'LoadChangePair',
    'PairDataPreprocessor',
    'SiameseEncoderDecoder',
]
