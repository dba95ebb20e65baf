"""Load pickles of ``torch.save`` without running the code that they may name."""

import argparse
import pickle
from collections import OrderedDict
from collections.abc import Callable
from typing import IO, Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

# Packages whose objects files hold beside the tensors: the history of CMID's losses,
# the settings of Lightning, solo-learn and others. Nothing is imported; stubs take
# their place.
FOREIGN_PACKAGES = (
    *('Exploring', 'cpu', 'omegaconf', 'typing', 'pathlib', 'datetime', 'yacs'),
    *('pytorch_lightning', 'lightning', 'lightning_fabric', 'lightning_utilities'),
)
# Containers inside those objects, equally out of reach of torch's safe loader.
FOREIGN_PARTS = (
    'collections.deque',
    'collections.defaultdict',
    # What a defaultdict starts with.
    *(f'builtins.{kind}' for kind in ('int', 'float', 'list', 'dict')),
)


class Stub:
    """Stand for a class that is not imported; its objects are plain dictionaries.

    torch's safe loader fills dictionaries and lists of exactly these types, so a
    stand-in makes them in place of itself, whatever it is called with.
    """

    def __new__(cls, *_: Any) -> Any:  # noqa: D102
        return OrderedDict()


class StubQueue:
    """Stand for a queue; its objects are plain lists."""

    def __new__(cls, *_: Any) -> Any:  # noqa: D102
        return []


def load_safely(stream: IO[bytes], map_location: Any) -> Any:
    """Load tensors, numbers, log buffers and stubs, and call nothing else.

    Args:
        stream: What ``torch.save`` wrote, open at its beginning.
        map_location: As for ``torch.load``.

    Raises:
        pickle.UnpicklingError, RuntimeError, EOFError, OSError: Whatever a file that
            is damaged, or holds something else, leads to.
    """
    if not can_name_objects():
        return torch.load(stream, map_location=map_location, weights_only=True)
    known = _allowed() + _foreign(stream)
    stream.seek(0)
    with torch.serialization.safe_globals(known):
        return torch.load(stream, map_location=map_location, weights_only=True)


def can_name_objects() -> bool:
    """True if torch's safe loader takes (object, name in the file), as since 2.6."""
    major, minor = torch.__version__.split('.')[:2]
    return (int(major), int(minor)) >= (2, 6)


def _allowed() -> list[Any]:
    """List what a file may name besides tensors: log buffers and NumPy numbers."""
    multiarray = (np._core if hasattr(np, '_core') else np.core).multiarray
    # The last is what scripts keep of their command line: a holder of attributes.
    allowed: list[Any] = [HistoryBuffer, np.ndarray, np.dtype, argparse.Namespace]
    # NumPy 2 renamed the module; a file may come from either side.
    for module in ('numpy.core.multiarray', 'numpy._core.multiarray'):
        allowed.append((multiarray._reconstruct, f'{module}._reconstruct'))
        allowed.append((multiarray.scalar, f'{module}.scalar'))
    kinds = '?bhilqBHILQefd'
    allowed += sorted({type(np.dtype(kind)) for kind in kinds}, key=str)
    # A buffer's own statistics are pickled as getattr(HistoryBuffer, 'mean').
    allowed.append((_history_statistic, 'builtins.getattr'))
    return allowed


def _history_statistic(owner: Any, name: str) -> Callable:
    """Replace ``getattr`` by one that reaches nothing but a buffer's statistics."""
    if owner is not HistoryBuffer or name not in ('min', 'max', 'current', 'mean'):
        raise pickle.UnpicklingError(
            f'Unsupported global: getattr({owner!r}, {name!r})'
        )
    return getattr(HistoryBuffer, name)


def _foreign(stream: IO[bytes]) -> list[Any]:
    """Return stubs for the classes of official packages that a file names."""
    try:
        # Reads the pickle's words without following them.
        names = torch.serialization.get_unsafe_globals_in_checkpoint(stream)
    except Exception:  # the loader itself will say what is wrong with the file
        return []
    foreign = [name for name in names if name.split('.')[0] in FOREIGN_PACKAGES]
    if not foreign:
        return []
    full = [n if '.' in n else f'builtins.{n}' for n in names]
    foreign += [name for name in full if name in FOREIGN_PARTS]
    kinds = {'collections.deque': StubQueue}
    return [(type('Stub', (kinds.get(n, Stub),), {}), n) for n in foreign]
