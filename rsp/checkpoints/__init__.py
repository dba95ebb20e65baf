"""What stands in a checkpoint file, and whether it fits a model."""

from rsp.checkpoints.backbone import (
    TARGETS,
    describe_export,
    export_backbone,
    extract_backbone,
)
from rsp.checkpoints.card import differences
from rsp.checkpoints.fit import load_all, refuse_misfit, refuse_stranger
from rsp.checkpoints.inspection import inspect
from rsp.checkpoints.layout import describe, state_dict_of
from rsp.checkpoints.networks import load_backbone, to_timm, to_torchvision
from rsp.checkpoints.pretrained import LoadReport, MisfitError, load_pretrained
from rsp.checkpoints.reading import read
from rsp.checkpoints.resume import resume_target
from rsp.checkpoints.verification import verify

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
    'read',
    'refuse_misfit',
    'refuse_stranger',
    'resume_target',
    'state_dict_of',
    'to_timm',
    'to_torchvision',
    'verify',
]
