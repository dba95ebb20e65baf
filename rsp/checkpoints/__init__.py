"""Read, inspect, convert, verify and load checkpoint files of many formats."""

from rsp.checkpoints.card import differences, find_card
from rsp.checkpoints.checkpoint import Checkpoint
from rsp.checkpoints.conversion import (
    TARGETS,
    describe_export,
    export_backbone,
    extract_backbone,
)
from rsp.checkpoints.inspection import inspect
from rsp.checkpoints.networks import load_backbone, to_timm, to_torchvision
from rsp.checkpoints.pretrained import LoadReport, MismatchError, load_pretrained
from rsp.checkpoints.reading import read
from rsp.checkpoints.reading.config import config_values
from rsp.checkpoints.reading.finite import refuse_non_finite
from rsp.checkpoints.reading.resume import resume_target
from rsp.checkpoints.verification import verify
from rsp.checkpoints.whole_model import (
    check_overlap,
    check_resumable,
    load_whole_model,
)

__all__ = [
    'TARGETS',
    'Checkpoint',
    'LoadReport',
    'MismatchError',
    'check_overlap',
    'check_resumable',
    'config_values',
    'describe_export',
    'differences',
    'export_backbone',
    'extract_backbone',
    'find_card',
    'inspect',
    'load_backbone',
    'load_pretrained',
    'load_whole_model',
    'read',
    'refuse_non_finite',
    'resume_target',
    'to_timm',
    'to_torchvision',
    'verify',
]
