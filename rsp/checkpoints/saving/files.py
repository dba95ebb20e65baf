"""Write checkpoints whole, sealed by a checksum, or not at all."""

import copy
import io
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from mmengine.fileio import FileClient, get_file_backend
from mmengine.fileio.backends import LocalBackend

from rsp.checkpoints.reading import saved_checkpoints
from rsp.checkpoints.reading.checksum import seal
from rsp.checkpoints.reading.finite import refuse_non_finite
from rsp.errors import NO_ROOM, UserError
from rsp.io.files import write_atomically

# What a run writes: checkpoints, a note, steps that were not finite, numbers.
OF_A_RUN = 'epoch_|iter_|best_|last_checkpoint|step_|health'

_submit: Callable[[Callable[[], None]], None] | None = None


def write(
    checkpoint: dict[str, Any],
    filename: str,
    file_client_args: dict | None = None,
    backend_args: dict | None = None,
) -> None:
    """Write a checkpoint; takes the place of mmengine's ``save_checkpoint``.

    On a disk it is written beside its place, flushed and renamed, so that at any moment
    there is either the former file or the whole new one. Object stores do the same by
    themselves. The file ends in its checksum (`rsp.checkpoints.reading.checksum`).

    Args:
        checkpoint: What ``torch.save`` takes.
        filename: Path, or address that a backend of mmengine knows.
        file_client_args: As for mmengine.
        backend_args: As for mmengine.

    Raises:
        UserError: If a tensor of the model holds NaN or infinity, or the disk is full
            or cannot be written. Nothing is left of the file then, and a former one of
            that name is as it was.
    """
    refuse_non_finite(
        checkpoint.get('state_dict') or {},
        filename,
        'it is not saved, earlier ones stay. Lower the learning rate, then go on from '
        'them by --resume',
    )
    put = partial(_put, filename, file_client_args, backend_args)
    if _submit is None:
        put(checkpoint)
    else:
        # Exact as of now: training changes the tensors in place.
        _submit(partial(put, copy.deepcopy(checkpoint)))


@contextmanager
def later(submit: Callable[[Callable[[], None]], None]) -> Iterator[None]:
    """Let `write` hand a copy to another thread while the block runs.

    Args:
        submit: Takes the job.
    """
    global _submit
    former, _submit = _submit, submit
    try:
        yield
    finally:
        _submit = former


def _put(
    filename: str,
    file_client_args: dict | None,
    backend_args: dict | None,
    checkpoint: dict[str, Any],
) -> None:
    backend: Any
    if file_client_args is None:
        backend = get_file_backend(filename, backend_args=backend_args)
    else:
        backend = FileClient.infer_client(file_client_args, filename).client
    with io.BytesIO() as content:
        torch.save(checkpoint, content)
        with content.getbuffer() as archive:
            end = seal(archive)
        content.seek(0, io.SEEK_END)
        content.write(end)
        if not isinstance(backend, LocalBackend):
            backend.put(content.getvalue(), filename)
            return
        file = Path(str(filename).removeprefix('file://'))
        with content.getbuffer() as archive:
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
                with write_atomically(file) as unfinished:
                    backend.put(archive, str(unfinished))
            except OSError as error:
                raise _explain(error, file, len(archive)) from error


def write_note(folder: str, name: str) -> None:
    """Note in ``folder/last_checkpoint`` which file is the newest.

    Args:
        folder: Of the run.
        name: Path of the checkpoint.
    """
    with write_atomically(Path(folder, 'last_checkpoint')) as unfinished:
        unfinished.write_text(name)


def remove_unfinished(folder: str | Path) -> None:
    """Remove what a run that was killed while writing left behind.

    Exports of another process into the same folder stay.

    Args:
        folder: In which no other run is alive; its folders are left alone.
    """
    for file in Path(folder).glob('.*.unfinished*'):
        if re.match(rf'\.({OF_A_RUN})', file.name):
            file.unlink(missing_ok=True)


def _explain(error: OSError, file: Path, size: int) -> UserError:
    what = f"'{file}' could not be written ({error.strerror or error})"
    if error.errno in NO_ROOM:
        free = shutil.disk_usage(file.parent).free
        what += f': it takes {size / 1e6:.1f} MB, {free / 1e6:.1f} MB are free'
    earlier = saved_checkpoints(file.parent)[-1:]
    kept = f'{earlier[0]} there is whole' if earlier else 'there is no earlier one'
    return UserError(
        f'{what}; nothing was left of it and {kept}. Make room or choose another '
        '--work-dir, then go on by --resume.'
    )
