"""Features in, named losses out."""

from .classification_head import ClassificationHead

__all__ = ['ClassificationHead']
