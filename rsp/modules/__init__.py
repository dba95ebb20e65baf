"""Stateful parts that methods share."""

from .paired_preprocessor import PairedDataPreprocessor
from .queue import FeatureQueue
from .teacher import Teacher

__all__ = ['FeatureQueue', 'PairedDataPreprocessor', 'Teacher']
