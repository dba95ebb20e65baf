"""Features in, named losses out."""

from .classification_head import ClassificationHead
from .reconstruction_head import ReconstructionHead
from .self_distillation_head import SelfDistillationHead

__all__ = ['ClassificationHead', 'ReconstructionHead', 'SelfDistillationHead']
