"""Opening checkpoint files without running code that is in them."""

import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader


def read(path: str | Path, map_location: Any = 'cpu') -> dict[str, Any]:
    """Load a checkpoint of tensors, numbers and mmengine's log buffers.

    A pickle may call any function it names. mmengine falls back to that when the safe
    way fails, and lists ``getattr`` as safe; here nothing beyond `_allowed` is ever
    called.

    Args:
        path: A local file. Addresses (``https://``, ``torchvision://``) go to
            mmengine's loader, with its rules.
        map_location: As for ``torch.load``.

    Returns:
        The dictionary in the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is cut off, is no checkpoint, or holds objects that
            are not on the list.
    """
    if '://' in str(path):
        return CheckpointLoader.load_checkpoint(str(path), map_location)
    file = Path(path).expanduser()
    if not file.is_file():
        raise FileNotFoundError(f"no checkpoint at '{path}'; {_neighbours(file)}.")
    try:
        checkpoint = _load(file, map_location)
    except OSError:
        raise
    except Exception as error:  # what a broken file leads to is anybody's guess
        raise ValueError(_why_unreadable(file, error)) from error
    if not isinstance(checkpoint, dict):
        raise ValueError(
            f"expected a dictionary in '{path}', got {type(checkpoint).__name__}; save "
            'dict(state_dict=model.state_dict()) and not the model itself.'
        )
    return checkpoint


def resume_target(work_dir: str | Path, path: str | Path | None) -> Path | None:
    """Decide which checkpoint a run goes on from.

    Args:
        work_dir: Folder of the run.
        path: The checkpoint asked for; None takes the one the run saved last.

    Returns:
        The file; None if the run has saved nothing yet.

    Raises:
        FileNotFoundError: If ``path``, or what ``work_dir/last_checkpoint`` names, does
            not exist, or if checkpoints lie there without that note.
    """
    if path is not None:
        file = Path(path).expanduser()
        if not file.is_file():
            raise FileNotFoundError(
                f"nothing to resume at '{path}'; {_neighbours(file)}."
            )
        return file

    work_dir = Path(work_dir)
    note = work_dir / 'last_checkpoint'
    saved = _saved(work_dir)
    if not note.is_file():
        if saved:
            raise FileNotFoundError(
                f"'{work_dir}' holds {', '.join(saved)} but no last_checkpoint, which "
                'names the newest; say which one: --resume '
                f'{work_dir / saved[-1]}, or choose another --work-dir to start fresh.'
            )
        return None
    named = Path(note.read_text().strip())
    # The note holds the path of its day; the folder may have been moved since.
    for file in (named, work_dir / named.name):
        if file.is_file():
            return file
    raise FileNotFoundError(
        f"'{note}' names {named}, which does not exist; {_neighbours(work_dir / 'x')}."
    )


def _load(file: Path, map_location: Any) -> Any:
    if not _can_name_objects():
        return torch.load(file, map_location=map_location, weights_only=True)
    with torch.serialization.safe_globals(_allowed()):
        return torch.load(file, map_location=map_location, weights_only=True)


def _can_name_objects() -> bool:
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


def _why_unreadable(file: Path, error: Exception) -> str:
    text = str(error) or type(error).__name__
    if isinstance(error, RuntimeError | EOFError):
        return (
            f"'{file}' is cut off or no checkpoint ({text.splitlines()[0]}); "
            f'{_neighbours(file)}.'
        )
    if 'nsupported' not in text:
        return f"'{file}' is no checkpoint: it is not a file written by torch.save."
    if not _can_name_objects():
        return (
            f"torch {torch.__version__} cannot open '{file}' without running code: it "
            'holds more than tensors, like every checkpoint of a run; torch >= 2.6 can.'
        )
    found = next(line for line in text.splitlines() if 'nsupported' in line).strip()
    return (
        f"'{file}' holds more than tensors, numbers and log buffers ({found}); opening "
        'it could run code, so it is refused. If you trust it, keep its weights only: '
        "torch.save(dict(state_dict=torch.load(PATH, weights_only=False)['state_dict'"
        ']), NEW_PATH).'
    )


def _neighbours(file: Path) -> str:
    """What lies where a missing file was looked for."""
    folder = file.parent
    if not folder.is_dir():
        return f"the folder '{folder}' does not exist"
    others = [name for name in _saved(folder) if name != file.name]
    return f"'{folder}' holds {', '.join(others) if others else 'no checkpoint'}"


def _saved(folder: Path) -> Sequence[str]:
    """Names of the checkpoints in a folder, oldest first."""
    files = [*folder.glob('*.pth'), *folder.glob('*.pt')]
    return [f.name for f in sorted(files, key=lambda f: f.stat().st_mtime)]
