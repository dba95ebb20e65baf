"""Adapt to the releases and platforms below `rsp`, each work-around in one place.

Changes to other libraries, applied once per process:

* `define_missing_torchvision_ops`: declares operators, so that torchvision can be
  imported beside a torch that its binary does not fit. Right before that import.
* `silence_debug_logs`: replaces ``mmengine.logging.print_log``, which prints messages
  for debugging on every screen. Right before the first mm-library is imported.
* `import_transformers_quietly`: imports mmcv's transformers without their warning about
  an operator that the core tier does not have. Right before the first that uses them.
* `mend_adjust_hue`: replaces ``mmcv.adjust_hue`` of the official line beside numpy 2.
  Right before the import of mmpretrain, which calls it.
* `patch_checkpoint_loader`: replaces mmengine's checkpoint loaders, which run code that
  a file holds. By the runner, before it builds anything.
* `patch_checkpoint_saver`: replaces mmengine's ``save_checkpoint``, which writes in
  place. Likewise.
* `patch_registry_build`: runs mmengine's ``Registry.build`` inside another function,
  which explains errors. Likewise.
* `find_configs_of_mmseg`: replaces the name by which mmengine looks for configs of
  mmseg. By whatever reads a config for training or testing.
* `visualizers_write_on_every_rank`: replaces ``mmengine.dist.utils.is_main_process``
  while a block runs. By the hook that draws test images.
"""

import functools
import importlib.util
import logging
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, Any

# Neither torch nor mmengine here: `import rsp` is to wait for no library.
from rsp.version import __version__

# Keeps the schemas of `define_missing_torchvision_ops` registered: torch drops them
# together with the `Library` object.
_torchvision_schemas: Any = None

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


class BeforeImport(MetaPathFinder):
    """Run functions right before a library is imported for the first time.

    It finds no module itself: the next finder of Python does.

    Args:
        steps: Import name -> functions, called in their order.
    """

    def __init__(self, steps: Mapping[str, tuple[Callable[[], Any], ...]]) -> None:
        self.steps = dict(steps)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Run what the library is waiting for."""
        # Taken out first: a step may import what is waited for.
        for step in self.steps.pop(name, ()):
            step()


def adapt_libraries_before_import() -> None:
    """Apply the changes that have to come before an import, each right before it."""
    silence, transformers = (
        cache(silence_debug_logs),
        cache(import_transformers_quietly),
    )
    steps: dict[str, tuple[Callable[[], Any], ...]] = {
        'torchvision': (define_missing_torchvision_ops,),
        'mmcv': (silence,),
    }
    for library in ('mmpretrain', 'mmdet', 'mmseg', 'mmrotate'):
        steps[library] = (silence, transformers)
    steps['mmpretrain'] += (mend_adjust_hue,)
    sys.meta_path.insert(0, BeforeImport(steps))


def installed_version(name: str) -> str | None:
    """Return the release of a package of `TESTED`, whichever line it comes from.

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
    """Return the releases of `rsp` and of the packages of `TESTED` that are here."""
    found = {name: installed_version(name) for name in TESTED}
    return {'rsp': __version__} | {name: v for name, v in found.items() if v}


@cache
def git_commit() -> str | None:
    """Return the commit of this checkout; None for an installed package.

    mmengine's ``get_git_hash`` asks for that of the working directory instead.
    """
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
    """List the installed packages that are older or newer than the tested ones.

    Returns:
        One phrase per package, ``'mmdet 2.28.0 (tested: >=3.3,<3.6)'``; empty if all
        fit. A package that is absent fits: what needs it says so when used.
    """
    from mmengine.utils import digit_version

    misfits = []
    for name, (_, first, past) in TESTED.items():
        found = installed_version(name)
        if not found:
            continue
        # '2.0' admits its release candidates, on which the official line was built.
        least, end = digit_version(f'{first}a0'), digit_version(past)
        if not least <= digit_version(found) < end:
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
    import torch

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


@contextmanager
def lock_file(file: IO[bytes]) -> Iterator[None]:
    """Let no other process into the same block, where the file system has locks.

    Args:
        file: Open; the same one in all processes.
    """
    locks: Any = None
    with suppress(ImportError):  # Windows has none of this kind.
        import fcntl as locks
    if locks is not None:
        with suppress(OSError):
            locks.flock(file, locks.LOCK_EX)
    try:
        yield
    finally:
        if locks is not None:
            with suppress(OSError):
                locks.flock(file, locks.LOCK_UN)


def silence_debug_logs() -> None:
    """Make mmengine's ``print_log`` without a logger respect the log level.

    It prints at any level, so each of OneDL's mm-libraries starts every command with
    'Could not import OneDL': a debug message about data sets of theirs, which looks
    like a broken installation. Must run before the first import of these libraries.
    """
    import mmengine.logging

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
    from mmengine.dist import utils

    is_main_process = utils.is_main_process
    utils.is_main_process = lambda group=None: True
    try:
        yield
    finally:
        utils.is_main_process = is_main_process


def import_transformers_quietly() -> None:
    """Import mmcv's transformers without a warning about MultiScaleDeformableAttention.

    mmcv keeps an old import path of this operator alive
    (https://github.com/open-mmlab/mmcv/pull/1100) and warns every user of mmpretrain,
    of its new place or, in an mmcv without compiled operators, of its absence. None of
    our models uses it. Must run before the first import of mmpretrain.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', '.*MultiScaleDeformableAttention')
        importlib.import_module('mmcv.cnn.bricks.transformer')


class WrappedHue(float):
    """Hold a turn of the hue, whose product with 255 wraps around in 8 bits."""

    def __mul__(self, other: float) -> int:
        """Return what a C compiler makes of the product: -3.7 becomes 253."""
        return int(float(self) * other) % 256


def mend_adjust_hue() -> bool:
    """Let mmcv turn hues backwards beside numpy 2.

    Up to 2.2 ``mmcv.adjust_hue`` adds ``np.uint8(hue * 255)``. Numpy 2 refuses that of
    negative numbers, so that mmpretrain's ``ColorJitter`` ends in ``OverflowError:
    Python integer -15 out of bounds for uint8``.

    Returns:
        Whether this call replaced the function.
    """
    import mmcv
    import numpy as np

    adjust_hue = mmcv.adjust_hue
    try:
        adjust_hue(np.zeros((1, 1, 3), np.uint8), -0.1)
    except OverflowError:
        pass
    else:
        return False

    @functools.wraps(adjust_hue)
    def mended(img: Any, hue_factor: float, backend: str | None = None) -> Any:
        return adjust_hue(img, WrappedHue(hue_factor), backend)

    mmcv.adjust_hue = mended
    return True


def patch_checkpoint_loader(read: Callable[..., dict[str, Any]]) -> None:
    """Make mmengine open checkpoints by another function, for the rest of the process.

    ``init_cfg=dict(type='Pretrained')`` and every other load of a library ends in
    mmengine's loader, which runs the code in a file that it cannot open safely.

    Args:
        read: Takes a file and ``map_location``, see `rsp.checkpoints.read`.
    """
    # Not at the top: it imports torchvision.
    import mmengine.runner.checkpoint as mmengine_checkpoint

    def load(filename: str, map_location: Any = None, **_: Any) -> dict[str, Any]:
        return read(filename, map_location or 'cpu')

    # mmengine logs the loader's name without its first ten letters.
    load.__name__ = 'load_from_rsp'
    loader = mmengine_checkpoint.CheckpointLoader
    for prefix in list(loader._schemes):
        loader.register_scheme(prefix, load, force=True)
    mmengine_checkpoint.load_from_http = load  # others call it by name


def patch_checkpoint_saver(write: Callable[..., None]) -> None:
    """Make mmengine write checkpoints by another function, for the rest of the process.

    Args:
        write: Takes what mmengine's ``save_checkpoint`` takes, see
            `rsp.checkpoints.saving.write`.
    """
    import mmengine.runner.checkpoint as mmengine_checkpoint

    former = mmengine_checkpoint.save_checkpoint
    # Its runners and strategies imported the function by name.
    for name, module in list(sys.modules.items()):
        if name.partition('.')[0] == 'mmengine' and (
            vars(module).get('save_checkpoint') is former
        ):
            module.save_checkpoint = write  # type: ignore[attr-defined]


def patch_registry_build(wrapper: Callable[..., Any]) -> None:
    """Make mmengine build parts inside another function, for the rest of the process.

    Args:
        wrapper: Takes the original ``Registry.build`` and what that takes.
    """
    from mmengine.registry import Registry

    build = getattr(Registry.build, '__wrapped__', Registry.build)

    @functools.wraps(build)
    def wrapped(self: Registry, cfg: Any, *args: Any, **kwargs: Any) -> Any:
        return wrapper(build, self, cfg, *args, **kwargs)

    Registry.build = wrapped


def find_configs_of_mmseg() -> None:
    """Let ``_base_ = 'mmseg::...'`` find mmseg of either line.

    mmengine asks for the distribution ``mmsegmentation``, which the maintained line
    calls ``onedl-mmsegmentation``. Under its import name it finds both.
    """
    from mmengine.config import utils

    utils.MODULE2PACKAGE['mmseg'] = 'mmseg'


def _load_torchvision_binary() -> bool:
    """Load torchvision's compiled operators; True also if torchvision is absent.

    Loading is what torchvision's own import does first, so a later import finds them
    registered. Declaring signatures next to a binary that loads would be an error.
    """
    import torch

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
