"""What stands in a checkpoint file, and whether it fits a model."""

from .backbone import export_backbone, extract_backbone
from .fit import load_all, refuse_misfit, refuse_stranger
from .layout import describe, state_dict_of
from .pretrained import LoadReport, load_pretrained
from .reading import read, resume_target

__all__ = [
    'LoadReport',
    'describe',
    'export_backbone',
    'extract_backbone',
    'load_all',
    'load_pretrained',
    'read',
    'refuse_misfit',
    'refuse_stranger',
    'resume_target',
    'state_dict_of',
]
