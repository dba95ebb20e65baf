"""torch.load without the code that a pickle may name."""

import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

# Packages of official code whose files hold, beside the tensors, objects of their own
# (CMID: the history of its losses). Nothing is imported; inert things take their place.
FOREIGN_PACKAGES = ('Exploring', 'cpu')
# Containers inside those objects, equally out of reach of torch's safe loader.
FOREIGN_PARTS = (
    'collections.deque',
    'collections.defaultdict',
    # What a defaultdict starts with.
    *(f'builtins.{kind}' for kind in ('int', 'float', 'list', 'dict')),
)


class Inert:
    """Stands for a class that is not imported: its objects are plain dictionaries.

    torch's safe loader fills dictionaries and lists of exactly these types, so a
    stand-in makes them in place of itself, whatever it is called with.
    """

    def __new__(cls, *_: Any) -> Any:  # noqa: D102
        return OrderedDict()


class InertQueue:
    """Stands for a queue: its objects are plain lists."""

    def __new__(cls, *_: Any) -> Any:  # noqa: D102
        return []


def load_safely(file: Path, map_location: Any) -> Any:
    """Load tensors, numbers, log buffers and inert things, and call nothing else.

    Args:
        file: Written by ``torch.save``.
        map_location: As for ``torch.load``.

    Raises:
        pickle.UnpicklingError, RuntimeError, EOFError, OSError: Whatever a file that
            is damaged, or holds something else, leads to.
    """
    if not can_name_objects():
        return torch.load(file, map_location=map_location, weights_only=True)
    with torch.serialization.safe_globals(_allowed() + _foreign(file)):
        return torch.load(file, map_location=map_location, weights_only=True)


def can_name_objects() -> bool:
    """Whether torch's safe loader takes (object, name in the file) pairs: since 2.6."""
    major, minor = torch.__version__.split('.')[:2]
    return (int(major), int(minor)) >= (2, 6)


def _allowed() -> list[Any]:
    """What a checkpoint may name besides tensors: log buffers and NumPy numbers."""
    multiarray = (np._core if hasattr(np, '_core') else np.core).multiarray
    allowed: list[Any] = [HistoryBuffer, np.ndarray, np.dtype]
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
    """Stand-in for ``getattr`` that reaches nothing but a buffer's statistics."""
    if owner is not HistoryBuffer or name not in ('min', 'max', 'current', 'mean'):
        raise pickle.UnpicklingError(
            f'Unsupported global: getattr({owner!r}, {name!r})'
        )
    return getattr(HistoryBuffer, name)


def _foreign(file: Path) -> list[Any]:
    """Inert stand-ins for the classes of official packages that a file names."""
    try:
        # Reads the pickle's words without following them.
        names = torch.serialization.get_unsafe_globals_in_checkpoint(file)
    except Exception:  # the loader itself will say what is wrong with the file
        return []
    ours = [name for name in names if name.split('.')[0] in FOREIGN_PACKAGES]
    if not ours:
        return []
    full = [n if '.' in n else f'builtins.{n}' for n in names]
    ours += [name for name in full if name in FOREIGN_PARTS]
    kinds = {'collections.deque': InertQueue}
    return [(type('Inert', (kinds.get(n, Inert),), {}), n) for n in ours]
