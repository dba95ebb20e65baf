"""List the files of folders, make folders for results, write files whole."""

import errno
import os
import secrets
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rsp.errors import UserError


def files_below(
    folder: str | os.PathLike, endings: Sequence[str] = ('',)
) -> list[Path]:
    """List the files of a folder and its sub-folders or links, sorted by path.

    Unlike `mmengine.scandir`, it sorts, survives links in a circle, lists hidden files
    and names a folder that cannot be read.

    Args:
        folder: Where to look.
        endings: Of the names, in lower case; those of files may be in any.

    Raises:
        UserError: If the permissions of a folder do not allow to list it.
    """
    return sorted(map(Path, _walk(os.fspath(folder), tuple(endings), frozenset())))


def outside(files: Iterable[Path], *places: Path) -> list[Path]:
    """Return the files that neither are nor lie in one of some places.

    Args:
        files: Files.
        places: Files or folders, such as that of the results.
    """
    real = {place.resolve() for place in places}
    kept = []
    for file in files:
        here = file.resolve()
        if real.isdisjoint((here, *here.parents)):
            kept.append(file)
    return kept


def make_folder(folder: Path) -> None:
    """Make a folder for results, if there is none yet.

    Raises:
        UserError: If it cannot be made, or nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UserError(
            f"expected a folder that can be written at '{folder}', got: "
            f'{error.strerror}; choose another one for the results.'
        ) from None


@contextmanager
def write_atomically(file: str | os.PathLike) -> Iterator[Path]:
    """Write a file whole or not at all (temporary file, fsync, rename, fsync).

    Yields the path of a temporary file in the same folder to write to. It takes the
    file's name at the end of the block, and is removed if the block fails. Several
    processes may write the same file.

    Args:
        file: Final path; its folder must exist.
    """
    final = Path(file)
    name = f'.{final.stem}.{secrets.token_hex(4)}.unfinished{final.suffix}'
    unfinished = final.with_name(name)
    try:
        yield unfinished
        # Windows flushes only what is open for writing.
        with unfinished.open('r+b') as written:
            os.fsync(written.fileno())
        unfinished.replace(final)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    _flush_folder(final.parent)


def _flush_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, which a rename alone does not."""
    if os.name == 'nt':  # Folders cannot be opened there.
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    except OSError as error:
        # Some network file systems cannot, and need not.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(opened)


def _walk(
    folder: str, endings: tuple[str, ...], above: frozenset[str]
) -> Iterator[str]:
    real = os.path.realpath(folder)
    if real in above:  # A link leads back to where we come from.
        return
    try:
        entries = [*os.scandir(folder)]
    except PermissionError as error:
        raise UserError(
            f"expected a folder that can be listed at '{folder}', got: "
            f'{error.strerror}; make it readable, or move it elsewhere.'
        ) from None
    for entry in entries:
        if entry.name == 'lost+found':  # Of the system, on a disk of its own.
            continue
        # A process was killed while it wrote this one, see `write_atomically`.
        if entry.name.startswith('.') and '.unfinished' in entry.name:
            continue
        try:
            is_folder, is_file = entry.is_dir(), entry.is_file()
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            continue  # A link to itself is as good as one to nothing.
        if is_folder:
            yield from _walk(entry.path, endings, above | {real})
        elif is_file and entry.name.lower().endswith(endings):
            yield entry.path
