"""Where this machine differs from the one the libraries were written for.

Every work-around for a platform lives here, once, with its reason and with the
condition under which it does nothing.
"""

import importlib.util
import sys
from pathlib import Path

import torch

# Keeps the schemas of `define_missing_torchvision_ops` registered: torch drops them
# together with the `Library` object.
_torchvision_schemas: torch.library.Library | None = None


def define_missing_torchvision_ops() -> bool:
    """Let `import torchvision` succeed beside a torch that its binary does not fit.

    Package indices often carry only a CUDA build of torchvision. Beside a CPU build of
    torch its compiled part cannot be loaded, and then the import dies in
    ``torchvision/_meta_registrations.py`` with ``RuntimeError: operator
    torchvision::nms does not exist``; mmpretrain needs the import for its transforms,
    not for these operators. Declaring the two signatures is enough for the import;
    transforms, models and box functions work, calling ``torchvision.ops.nms`` raises.

    Does nothing if torch has CUDA, torchvision is absent, was already imported, or
    brings a binary that loads. Must run before the first import of torchvision.

    Returns:
        Whether the signatures were declared by this call.
    """
    global _torchvision_schemas
    if torch.version.cuda is not None or 'torchvision' in sys.modules:
        return False
    if hasattr(torch.ops.torchvision, 'nms') or _load_torchvision_binary():
        return False

    _torchvision_schemas = torch.library.Library('torchvision', 'DEF')
    for name in ('nms', 'qnms'):
        _torchvision_schemas.define(
            f'{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor'
        )
    return True


def _load_torchvision_binary() -> bool:
    """Try torchvision's compiled operators; True also if torchvision is absent.

    Loading is what torchvision's own import does first, so a later import finds them
    registered. Declaring signatures next to a binary that loads would be an error.
    """
    spec = importlib.util.find_spec('torchvision')
    if spec is None or spec.origin is None:
        return True
    for binary in Path(spec.origin).parent.glob('_C.*'):
        try:
            torch.ops.load_library(str(binary))
        except OSError:
            continue
        return True
    return False
