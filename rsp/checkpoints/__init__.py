"""Read, inspect, convert, verify and load checkpoint files of many formats."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rsp.checkpoints.card import differences, find_card
    from rsp.checkpoints.checkpoint import Checkpoint
    from rsp.checkpoints.conversion import (
        TARGETS,
        describe_export,
        export_backbone,
        extract_backbone,
    )
    from rsp.checkpoints.exporting.graph import describe_graph, export_graph
    from rsp.checkpoints.exporting.hub import export_hub, push
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

# Imported when first used: `rsp checkpoint --help` waits for no library.
HOMES = {
    'card': 'differences find_card',
    'checkpoint': 'Checkpoint',
    'conversion': 'TARGETS describe_export export_backbone extract_backbone',
    'exporting.graph': 'describe_graph export_graph',
    'exporting.hub': 'export_hub push',
    'inspection': 'inspect',
    'networks': 'load_backbone to_timm to_torchvision',
    'pretrained': 'LoadReport MismatchError load_pretrained',
    'reading': 'read',
    'reading.config': 'config_values',
    'reading.finite': 'refuse_non_finite',
    'reading.resume': 'resume_target',
    'verification': 'verify',
    'whole_model': 'check_overlap check_resumable load_whole_model',
}
HOME_OF = {name: home for home, names in HOMES.items() for name in names.split()}

__all__ = [
    'TARGETS',
    'Checkpoint',
    'LoadReport',
    'MismatchError',
    'check_overlap',
    'check_resumable',
    'config_values',
    'describe_export',
    'describe_graph',
    'differences',
    'export_backbone',
    'export_graph',
    'export_hub',
    'extract_backbone',
    'find_card',
    'inspect',
    'load_backbone',
    'load_pretrained',
    'load_whole_model',
    'push',
    'read',
    'refuse_non_finite',
    'resume_target',
    'to_timm',
    'to_torchvision',
    'verify',
]


def __getattr__(name: str) -> Any:
    if name not in HOME_OF:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    found = getattr(import_module(f'{__name__}.{HOME_OF[name]}'), name)
    globals()[name] = found
    return found
