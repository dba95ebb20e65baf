"""Turn features into named losses."""

from rsp.models.heads.classification_head import ClassificationHead
from rsp.models.heads.land_cover_head import LandCoverHead
from rsp.models.heads.reconstruction_head import ReconstructionHead
from rsp.models.heads.self_distillation_head import SelfDistillationHead

__all__ = [
    'ClassificationHead',
    'LandCoverHead',
    'ReconstructionHead',
    'SelfDistillationHead',
]
