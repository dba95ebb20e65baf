"""Features in, named losses out."""

from .classification_head import ClassificationHead
from .land_cover_head import LandCoverHead
from .reconstruction_head import ReconstructionHead
from .self_distillation_head import SelfDistillationHead

__all__ = [
    'ClassificationHead',
    'LandCoverHead',
    'ReconstructionHead',
    'SelfDistillationHead',
]
