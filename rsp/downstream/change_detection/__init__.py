"""Change detection on mmseg: pairs, a Siamese segmentor, heads, scores, pictures."""

from .bit_head import BITHead
from .dataset import ChangeDataset
from .difference_unet_head import DifferenceUNetHead
from .loading import LoadChangeAnnotations, LoadChangePair
from .metric import ChangeMetric
from .preprocessor import PairDataPreprocessor
from .segmentor import SiameseEncoderDecoder
from .visualizer import ChangeVisualizer

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
