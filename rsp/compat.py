"""Where the libraries below differ from what `rsp` needs.

Every work-around for a platform or a release lives here, once, with its reason and with
the condition under which it does nothing. Functions of other packages are replaced by
`silence_debug_logs` (for good) and `visualizers_write_on_every_rank` (for a block).
"""

import functools
import importlib.util
import logging
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import mmengine.dist.utils
import mmengine.logging
import torch

from rsp.version import __version__

# Keeps the schemas of `define_missing_torchvision_ops` registered: torch drops them
# together with the `Library` object.
_torchvision_schemas: torch.library.Library | None = None

# Import name -> (distribution names, newest line first; first tested release; first
# release past the tested ones). The `onedl-*` packages are the maintained line of
# OpenMMLab, the others the official one; both import under the same names.
TESTED: dict[str, tuple[tuple[str, ...], str, str]] = {
    'torch': (('torch',), '2.1', '2.14'),
    'mmengine': (('onedl-mmengine', 'mmengine', 'mmengine-lite'), '0.10', '0.11'),
    'mmcv': (('onedl-mmcv', 'mmcv', 'mmcv-lite'), '2.0', '2.4'),
    'mmpretrain': (('onedl-mmpretrain', 'mmpretrain'), '1.2', '1.4'),
    'mmdet': (('onedl-mmdetection', 'mmdet'), '3.3', '3.6'),
    'mmseg': (('onedl-mmsegmentation', 'mmsegmentation'), '1.2', '1.5'),
    'mmrotate': (('onedl-mmrotate', 'mmrotate'), '1.2', '1.3'),
}


def installed_version(name: str) -> str | None:
    """Release of a package of `TESTED`, whichever line it comes from.

    Args:
        name: Import name, a key of `TESTED`.

    Returns:
        The release as its metadata gives it (``'2.3.6'``); None if it is absent.
    """
    for distribution in TESTED[name][0]:
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return None


def installed_versions() -> dict[str, str]:
    """Releases of `rsp` and of the packages of `TESTED` that are here."""
    found = {name: installed_version(name) for name in TESTED}
    return {'rsp': __version__} | {name: v for name, v in found.items() if v}


@cache
def git_commit() -> str | None:
    """The commit of the checkout this code lies in; None for an installed package."""
    root = Path(__file__).resolve().parents[1]
    if not (root / '.git').exists():
        return None
    command = ['git', '-C', str(root), 'rev-parse', 'HEAD']
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def outside_tested_range() -> list[str]:
    """Say which installed packages are older or newer than the tested ones.

    Returns:
        One phrase per package, ``'mmdet 2.28.0 (tested: >=3.3,<3.6)'``; empty if all
        fit. A package that is absent fits: what needs it says so when used.
    """
    misfits = []
    for name, (_, first, past) in TESTED.items():
        found = installed_version(name)
        if found and not _release(first) <= _release(found) < _release(past):
            misfits.append(f'{name} {found} (tested: >={first},<{past})')
    return misfits


def warn_outside_tested_range() -> None:
    """Warn once, in one message, about every package outside the tested range.

    A warning and not an error: most releases just outside work, and refusing them is
    what made the mm-packages' version ceilings fight each other.
    """
    misfits = outside_tested_range()
    if misfits:
        warnings.warn(
            f'rsp {__version__} is not tested with {", ".join(misfits)}; going on. '
            'If something breaks, compare with requirements/constraints.txt.',
            stacklevel=2,
        )


def _release(text: str) -> tuple[int, ...]:
    """Leading numbers of a version: ``'2.13.0+cpu'`` -> (2, 13, 0).

    A pre-release counts as its release (``'2.0.0rc4'`` -> (2, 0, 0)), so that the
    release candidates the official line was built on are not complained about.
    """
    match = re.match(r'\d+(\.\d+)*', text)
    numbers = [int(part) for part in match.group().split('.')] if match else []
    # 2.0 and 2.0.0 are the same release.
    return tuple(numbers + [0] * (3 - len(numbers)))


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


def add_note(error: BaseException, note: str) -> None:
    """Add a line to the traceback of an exception that keeps its type and message.

    Python 3.10 has no notes (PEP 678): there it becomes the first cause.
    """
    if hasattr(error, 'add_note'):
        error.add_note(note)
        return
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    error.__cause__ = RuntimeError(note)


def silence_debug_logs() -> None:
    """Let mmengine's ``print_log`` without a logger heed the level, too.

    It prints whatever the level is, so that each of OneDL's mm-libraries greets every
    command by 'Could not import OneDL', a message for debugging about data sets of
    theirs, which users take for a fault of their installation. Must run before the
    first import of these libraries.
    """
    printed = mmengine.logging.print_log

    @functools.wraps(printed)
    def print_log(msg: Any, logger: Any = None, level: int = logging.INFO) -> None:
        if logger is not None or level > logging.DEBUG:
            printed(msg, logger, level)

    mmengine.logging.print_log = print_log


@contextmanager
def visualizers_write_on_every_rank() -> Iterator[None]:
    """Let visualizers draw in every process, not in the first one alone.

    The visualizers of all mm-projects are decorated by mmengine's ``master_only``. In a
    test each process sees its share of the images, so that of two processes half of
    the pictures would be missing. Replaces mmengine's ``is_main_process`` meanwhile.
    """
    utils = mmengine.dist.utils
    is_main_process = utils.is_main_process
    utils.is_main_process = lambda group=None: True
    try:
        yield
    finally:
        utils.is_main_process = is_main_process


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
