"""Views of images; a transform that crops knows its box."""

from rsp.datasets.transforms.color_jitter import ColorJitter
from rsp.datasets.transforms.degrade import GaussianNoise, RandomBlur
from rsp.datasets.transforms.load_geotiff import LoadGeoTiff
from rsp.datasets.transforms.masked_two_crop import LocatedViews
from rsp.datasets.transforms.overlapping_boxes import CutView, DrawViewBoxes
from rsp.datasets.transforms.random_rotate90 import RandomQuarterTurn

__all__ = [
    'ColorJitter',
    'CutView',
    'DrawViewBoxes',
    'GaussianNoise',
    'LoadGeoTiff',
    'LocatedViews',
    'RandomBlur',
    'RandomQuarterTurn',
]
