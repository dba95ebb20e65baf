"""Views of images; a transform that crops knows its box."""

from .degrade import GaussianNoise, RandomBlur
from .load_geotiff import LoadGeoTiff
from .located_views import LocatedViews

__all__ = ['GaussianNoise', 'LoadGeoTiff', 'LocatedViews', 'RandomBlur']
