"""What stands in a checkpoint file, and whether it fits a model."""

from .backbone import TARGETS, describe_export, export_backbone, extract_backbone
from .card import differences
from .fit import load_all, refuse_misfit, refuse_stranger
from .inspection import inspect
from .layout import describe, state_dict_of
from .networks import load_backbone, to_timm, to_torchvision
from .opening import open_as_we_do
from .pretrained import LoadReport, MisfitError, load_pretrained
from .reading import read, resume_target
from .verification import verify

__all__ = [
    'TARGETS',
    'LoadReport',
    'MisfitError',
    'describe',
    'describe_export',
    'differences',
    'export_backbone',
    'extract_backbone',
    'inspect',
    'load_all',
    'load_backbone',
    'load_pretrained',
    'open_as_we_do',
    'read',
    'refuse_misfit',
    'refuse_stranger',
    'resume_target',
    'state_dict_of',
    'to_timm',
    'to_torchvision',
    'verify',
]
