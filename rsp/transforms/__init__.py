"""Views of images; a transform that crops knows its box."""

from .degrade import GaussianNoise, RandomBlur
from .load_geotiff import LoadGeoTiff
from .located_views import LocatedViews
from .view_boxes import CutView, DrawViewBoxes

__all__ = [
    'CutView',
    'DrawViewBoxes',
    'GaussianNoise',
    'LoadGeoTiff',
    'LocatedViews',
    'RandomBlur',
]
