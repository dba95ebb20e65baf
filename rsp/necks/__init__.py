"""Between backbone and head."""

from .projector import Projector
from .prototype_neck import PrototypeNeck

__all__ = ['Projector', 'PrototypeNeck']
