"""Views of images; a transform that crops knows its box."""

from .color_jitter import ColorJitter
from .degrade import GaussianNoise, RandomBlur
from .load_geotiff import LoadGeoTiff
from .located_views import LocatedViews
from .quarter_turn import RandomQuarterTurn
from .view_boxes import CutView, DrawViewBoxes

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
