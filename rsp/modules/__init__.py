"""Stateful parts that methods share."""

from .band_preprocessor import BandDataPreprocessor
from .paired_preprocessor import PairedDataPreprocessor
from .queue import FeatureQueue
from .teacher import Teacher

__all__ = ['BandDataPreprocessor', 'FeatureQueue', 'PairedDataPreprocessor', 'Teacher']
