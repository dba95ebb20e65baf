"""Opening checkpoint files without running code that is in them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from rsp.checkpoints.downloading import fetch
from rsp.checkpoints.safe_tensors import is_safetensors, read_safetensors
from rsp.checkpoints.unpickling import can_name_objects, load_safely
from rsp.errors import MissingData, UserError

# Of what torch.save writes: a zip archive, or, before torch 1.6, a pickle.
FIRST_BYTES = (b'PK', b'\x80')


def read(
    path: str | Path, map_location: Any = 'cpu', trust: bool = False
) -> dict[str, Any]:
    """Load a checkpoint of tensors, numbers and mmengine's log buffers.

    A pickle may call any function it names. mmengine falls back to that when the safe
    way fails, and lists ``getattr`` as safe; here nothing beyond a short list is ever
    called (`rsp.checkpoints.unpickling`).

    Args:
        path: A ``.pth`` or ``.safetensors`` file, or an address (``https://``,
            ``torchvision://``, ``open-mmlab://``), which is downloaded first.
        map_location: As for ``torch.load``.
        trust: Open a pickle of anything, which runs the code in it. Only for files of
            your own.

    Returns:
        The dictionary in the file; of safetensors ``state_dict`` and ``meta``, with
        the ``card`` if there is one.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is cut off, is no checkpoint, or holds objects that
            are not on the list.
    """
    if '://' in str(path):
        return read(fetch(str(path)), map_location, trust)
    file = Path(path).expanduser()
    if not file.is_file():
        raise MissingData(f"no checkpoint at '{path}'; {_neighbours(file)}.")
    if is_safetensors(file):
        state, metadata = read_safetensors(file)
        return dict(state_dict=state, meta=_meta_of(file, metadata))
    try:
        if trust:
            checkpoint = torch.load(file, map_location=map_location, weights_only=False)
        else:
            checkpoint = load_safely(file, map_location)
    except OSError:
        raise
    except Exception as error:  # what a broken file leads to is anybody's guess
        raise UserError(_why_unreadable(file, error)) from error
    if not isinstance(checkpoint, dict):
        raise UserError(
            f"expected a dictionary in '{path}', got {type(checkpoint).__name__}; save "
            'dict(state_dict=model.state_dict()) and not the model itself.'
        )
    return checkpoint


def _meta_of(file: Path, metadata: dict[str, str]) -> dict[str, Any]:
    """The card in a safetensors file, which is JSON in one of its texts."""
    if 'card' not in metadata:
        return {}
    try:
        return dict(card=json.loads(metadata['card']))
    except ValueError as error:
        raise UserError(
            f"expected the card of '{file}' to be JSON, got {metadata['card'][:60]!r}."
        ) from error


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
            raise MissingData(f"nothing to resume at '{path}'; {_neighbours(file)}.")
        return file

    work_dir = Path(work_dir)
    note = work_dir / 'last_checkpoint'
    saved = _saved(work_dir)
    if not note.is_file():
        if saved:
            raise MissingData(
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
    raise MissingData(
        f"'{note}' names {named}, which does not exist; {_neighbours(work_dir / 'x')}."
    )


def _why_unreadable(file: Path, error: Exception) -> str:
    text = str(error) or type(error).__name__
    with file.open('rb') as stream:
        head = stream.read(60)
    # Its letters are read as commands of a pickle, and refused as dangerous ones.
    if head and not head.startswith(FIRST_BYTES):
        lfs = head.startswith(b'version https://git-lfs')
        remedy = (
            'it is a pointer of git-lfs: fetch the file by git lfs pull'
            if lfs
            else 'is it a web page or a text? Download it again'
        )
        return (
            f"'{file}' is no checkpoint: it is not a file written by torch.save, it "
            f'begins with {head[:30]!r}; {remedy}.'
        )
    if isinstance(error, RuntimeError | EOFError):
        return (
            f"'{file}' is cut off or no checkpoint ({text.splitlines()[0]}); "
            f'{_neighbours(file)}.'
        )
    if 'nsupported' not in text:
        return f"'{file}' is no checkpoint: it is not a file written by torch.save."
    if not can_name_objects():
        return (
            f"torch {torch.__version__} cannot open '{file}' without running code: it "
            'holds more than tensors, like every checkpoint of a run; torch >= 2.6 can.'
        )
    found = next(line for line in text.splitlines() if 'nsupported' in line).strip()
    found = found.partition('. Please')[0]
    return (
        f"'{file}' holds more than tensors, numbers and log buffers ({found}); opening "
        'it could run code, so it is refused. If it is your own, pass --trust.'
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
