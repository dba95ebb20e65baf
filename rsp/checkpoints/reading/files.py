"""Open checkpoint files without running code that is in them."""

import json
from pathlib import Path
from typing import IO, Any

import torch

from rsp.checkpoints.reading.checksum import find_damage
from rsp.checkpoints.reading.downloading import HUB_WEIGHTS, fetch, is_address
from rsp.checkpoints.reading.safe_tensors import (
    read_safetensors,
    starts_like_safetensors,
)
from rsp.checkpoints.reading.unpickling import can_name_objects, load_safely
from rsp.errors import MissingData, UserError

# Of what torch.save writes: a zip archive, or, before torch 1.6, a pickle.
FIRST_BYTES = (b'PK', b'\x80')
# What the last call with `keep` read, by what tells that it is still the same.
_kept: dict[tuple, dict[str, Any]] = {}


class DamagedFile(UserError):
    """Report a file that is cut off, or in which bytes have changed."""


def read(
    path: str | Path, map_location: Any = 'cpu', trust: bool = False, keep: bool = False
) -> dict[str, Any]:
    """Load a checkpoint of tensors, numbers and mmengine's log buffers.

    A pickle may call any function it names. mmengine falls back to that when the safe
    way fails, and lists ``getattr`` as safe; here nothing beyond a short list is ever
    called (`rsp.checkpoints.reading.unpickling`).

    Args:
        path: A ``.pth`` or ``.safetensors`` file, a folder of
            `rsp.checkpoints.exporting.hub`, or an address (``https://``,
            ``torchvision://``, ``open-mmlab://``, ``hf_hub:you/name``), which is
            downloaded first.
        map_location: As for ``torch.load``.
        trust: Open a pickle of anything, which runs the code in it. Only for files of
            your own.
        keep: Hand the same dictionary to the next call for this file instead of
            reading it again, e.g. to fail early at the start of a training.

    Returns:
        The dictionary in the file; of safetensors ``state_dict`` and ``meta``, with
        the ``card`` if there is one.

    Raises:
        MissingData: If there is no such file.
        DamagedFile: If the file is cut off, is no checkpoint, or is not what its
            checksum says.
        UserError: If it holds objects that are not on the list.
    """
    file = fetch(str(path)) if is_address(path) else Path(path).expanduser()
    if (file / HUB_WEIGHTS).is_file():
        file = file / HUB_WEIGHTS
    if not file.is_file():
        raise MissingData(f"no checkpoint at '{path}'; {neighbors(file)}.")
    state = file.stat()
    place = (file.resolve(), state.st_mtime_ns, state.st_size, str(map_location), trust)
    content = _kept.pop(place, None) or _open(file, map_location, trust)
    _kept.clear()
    if keep:
        _kept[place] = content
    return content


def _open(file: Path, map_location: Any, trust: bool) -> dict[str, Any]:
    with file.open('rb') as stream:
        head = stream.read(60)
        if starts_like_safetensors(head):
            tensors, metadata = read_safetensors(file)
            return dict(state_dict=tensors, meta=_meta_of(file, metadata))
        if damage := find_damage(stream):
            raise DamagedFile(f"'{file}' is {damage}; {neighbors(file)}.")
        stream.seek(0)
        try:
            content = _unpickle(stream, map_location, trust)
        except OSError:
            raise
        except Exception as error:  # what a broken file leads to is anybody's guess
            raise _why_unreadable(file, head, error) from error
    if not isinstance(content, dict):
        raise UserError(
            f"expected a dictionary in '{file}', got {type(content).__name__}; save "
            'dict(state_dict=model.state_dict()) and not the model itself.'
        )
    return content


def _unpickle(stream: IO[bytes], map_location: Any, trust: bool) -> Any:
    if trust:
        return torch.load(stream, map_location=map_location, weights_only=False)
    return load_safely(stream, map_location)


def _meta_of(file: Path, metadata: dict[str, str]) -> dict[str, Any]:
    """Return the card in a safetensors file, which is JSON in one of its texts."""
    if 'card' not in metadata:
        return {}
    try:
        return dict(card=json.loads(metadata['card']))
    except ValueError as error:
        raise UserError(
            f"expected the card of '{file}' to be JSON, got {metadata['card'][:60]!r}."
        ) from error


def _why_unreadable(file: Path, head: bytes, error: Exception) -> UserError:
    """Tell what is wrong with a file, and what to do."""
    text = str(error) or type(error).__name__
    # Its letters are read as commands of a pickle, and refused as dangerous ones.
    if not head.startswith(FIRST_BYTES) and head:
        lfs = head.startswith(b'version https://git-lfs')
        remedy = (
            'it is a pointer of git-lfs: fetch the file by git lfs pull'
            if lfs
            else 'is it a web page or a text? Download it again'
        )
        return DamagedFile(
            f"'{file}' is no checkpoint: it is not a file written by torch.save, it "
            f'begins with {head[:30]!r}; {remedy}.'
        )
    if isinstance(error, RuntimeError | EOFError):
        return DamagedFile(
            f"'{file}' is cut off or no checkpoint ({text.splitlines()[0]}); "
            f'{neighbors(file)}.'
        )
    if 'nsupported' not in text:
        return DamagedFile(
            f"'{file}' is no checkpoint: it is not a file written by torch.save."
        )
    if not can_name_objects():
        return UserError(
            f"torch {torch.__version__} cannot open '{file}' without running code: it "
            'holds more than tensors, like every checkpoint of a run; torch >= 2.6 can.'
        )
    found = next(line for line in text.splitlines() if 'nsupported' in line).strip()
    found = found.partition('. Please')[0]
    return UserError(
        f"'{file}' holds more than tensors, numbers and log buffers ({found}); opening "
        'it could run code, so it is refused. If it is your own, pass --trust.'
    )


def neighbors(file: Path) -> str:
    """Tell what lies where a missing file was looked for."""
    folder = file.parent
    if not folder.is_dir():
        return f"the folder '{folder}' does not exist"
    others = [name for name in saved_checkpoints(folder) if name != file.name]
    return f"'{folder}' holds {', '.join(others) if others else 'no checkpoint'}"


def saved_checkpoints(folder: Path) -> list[str]:
    """Return the names of the checkpoints in a folder, oldest first."""
    found = [*folder.glob('*.pth'), *folder.glob('*.pt')]
    # Hidden ones were being written when a process was killed; links may be broken.
    files = [f for f in found if not f.name.startswith('.') and f.is_file()]
    return [f.name for f in sorted(files, key=lambda f: f.stat().st_mtime)]
