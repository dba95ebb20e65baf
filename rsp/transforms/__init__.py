"""Views of images; a transform that crops knows its box."""

from .degrade import GaussianNoise, RandomBlur
from .located_views import LocatedViews

__all__ = ['GaussianNoise', 'LocatedViews', 'RandomBlur']
