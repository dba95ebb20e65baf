"""Tell a user's mistake from a bug, and report it in one line."""

import errno
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec


class UserError(ValueError):
    """Report a mistake in an argument, a config or a file.

    Its message says what was expected, what was found and what to do. Scripts end with
    the message alone; every other exception is a bug and keeps its traceback.
    """


class MissingData(UserError, FileNotFoundError):
    """Report a file or folder that is not where an argument or config says."""

    # It has the layout of an OSError, whose `__new__` comes second and which copies and
    # other processes' pickles ask for.
    __new__ = OSError.__new__  # type: ignore[assignment]


class BrokenFile(UserError, OSError):
    """Report an image file that is damaged, or none at all.

    Args:
        path: Of the file.
        reason: What is wrong, as a part of a sentence.
    """

    __new__ = OSError.__new__  # type: ignore[assignment]  # As of `MissingData`.

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            f"cannot read '{path}' as an image ({reason}); repair or remove it."
        )
        self.path, self.reason = path, reason

    def __reduce__(self) -> tuple:
        return BrokenFile, (self.path, self.reason)


# What the system says of a full disk, a quota that is used up and a file too large.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

# Import names of what an extra of the package installs, see setup.py.
EXTRAS = {
    'core': """affine cloudpickle cv2 dask distributed isal mmcv mmengine mmpretrain
        pyproj rasterio shapely tensorboard torchvision""",
    'full': 'mmdet mmrotate mmseg tifffile',
    'analyze': 'openTSNE pyarrow sklearn umap usearch',
    'completion': 'shtab',
    'convert': 'huggingface_hub timm',
    'onnx': 'onnx onnxruntime onnxscript',
}

# How long a process that is not the first keeps its message, in seconds.
PATIENCE = 5.0


def is_first() -> bool:
    """Tell whether this is the first of several processes, or the only one."""
    return os.environ.get('RANK', os.environ.get('SLURM_PROCID', '0')) == '0'


@contextmanager
def report_user_errors(debug: bool = False) -> Iterator[None]:
    """End a script by the message of a `UserError`, without a traceback.

    A full disk is told in one line, too, whatever was being written, and a package that
    is not installed, with the extra that installs it.

    Of several processes the first one prints it. If the mistake is met by another one
    alone, nobody ends that one while it waits, and it prints the message itself.

    Args:
        debug: Leave the traceback, with that of the library that noticed the mistake.
    """
    try:
        yield
    except (UserError, OSError, ModuleNotFoundError) as error:
        if debug or not _is_known(error):
            raise
        if is_first():
            sys.exit(f'error: {_message(error)}')
        time.sleep(PATIENCE)
        rank = os.environ.get('RANK', os.environ.get('SLURM_PROCID'))
        sys.exit(f'error: rank {rank}: {_message(error)}')


def print_once(line: str) -> None:
    """Print a line to the error stream, in the first of several processes alone."""
    if is_first():
        print(visible(line), file=sys.stderr, flush=True)


def visible(text: str) -> str:
    """Escape what a terminal would obey, such as colors or a moved cursor in a name.

    Args:
        text: Line feeds and tabs stay.
    """
    return re.sub(
        r'[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]',
        lambda found: found[0].encode('unicode_escape').decode(),
        text,
    )


def how_to_install(error: ModuleNotFoundError) -> str | None:
    """Say what installs a package that could not be imported.

    Returns:
        A sentence; None for modules of this project, or of an installed package.
    """
    if error.name == 'mmcv._ext':
        return (
            'expected mmcv with its compiled operators, which detection, segmentation '
            'and oriented detection need, got mmcv without; bash tools/setup_env.sh in '
            'a checkout compiles them (docs/get_started.md).'
        )
    package = (error.name or '').partition('.')[0]
    for extra, names in EXTRAS.items():
        if package in names.split() and find_spec(package) is None:
            return (
                f"expected the package '{package}', which is not installed; pip "
                f"install 'rsp-pretrain[{extra}]', or bash tools/setup_env.sh in a "
                'checkout.'
            )
    return None


def _is_known(error: UserError | OSError | ModuleNotFoundError) -> bool:
    if isinstance(error, ModuleNotFoundError):
        return how_to_install(error) is not None
    return isinstance(error, UserError) or error.errno in NO_ROOM


def _message(error: UserError | OSError | ModuleNotFoundError) -> str:
    if isinstance(error, ModuleNotFoundError):
        return how_to_install(error) or str(error)
    text = visible(str(error))
    if not isinstance(error, UserError):
        what = f"'{error.filename}'" if error.filename else 'A file'
        return visible(
            f'{what} could not be written ({error.strerror}); make room, then start '
            'again: a training goes on by --resume.'
        )
    # torch raises what a loader's worker raised again, with the traceback as its text.
    if ' in DataLoader worker process' in text:
        return re.split(r'^rsp\.[\w.]+: ', text, flags=re.MULTILINE)[-1].strip()
    return text


def shorten(names: Sequence[str], shown: int = 5, more: str = '...') -> str:
    """Name the first few of many, for a message: ``'a, b, ...'``.

    Args:
        names: In the order in which they are to be shown.
        shown: Number of names to show.
        more: Text in place of the others.
    """
    return ', '.join([*names[:shown], *([more] if len(names) > shown else [])])
