"""List the files of folders, make folders for results, write files whole."""

import errno
import os
import secrets
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rsp.errors import UserError

# What systems and programs leave beside data, in lower case; and all that begins with a
# dot: .DS_Store, ._x.jpg, .ipynb_checkpoints, what `write_atomically` has not finished.
NO_DATA = (
    '__macosx',
    '@eadir',
    '#recycle',
    '#snapshot',
    '$recycle.bin',
    'system volume information',
    'lost+found',
    'thumbs.db',
    'desktop.ini',
)


def is_hidden(name: str) -> bool:
    """Tell whether a file or folder is no data by its name, which no listing shows."""
    return name.startswith('.') or name.lower() in NO_DATA


def entries_of(folder: str | os.PathLike) -> list[Path]:
    """List the files and folders in a folder that are data, sorted.

    Raises:
        UserError: If the permissions of the folder do not allow to list it.
    """
    found = _entries(os.fspath(folder))
    return sorted(Path(entry.path) for entry in found if not is_hidden(entry.name))


def folders_in(folder: str | os.PathLike) -> list[Path]:
    """List the folders in a folder that are data, sorted; see `entries_of`."""
    return [entry for entry in entries_of(folder) if entry.is_dir()]


def files_below(
    folder: str | os.PathLike,
    endings: Sequence[str] = ('',),
    left_out: Counter[str] | None = None,
) -> list[Path]:
    """List the files of a folder and its sub-folders or links, sorted by path.

    Unlike `mmengine.scandir`, it sorts, survives links in a circle and names a folder
    that cannot be read.

    Args:
        folder: Where to look; nothing below it that `is_hidden`.
        endings: Of the names, in lower case; those of files may be in any.
        left_out: Counts what is not listed, by the ending or what it is.

    Raises:
        UserError: If the permissions of a folder do not allow to list it.
    """
    return sorted(map(Path, walk_files(folder, endings, left_out)))


def walk_files(
    folder: str | os.PathLike,
    endings: Sequence[str] = ('',),
    left_out: Counter[str] | None = None,
    times: dict[str, int] | None = None,
) -> Iterator[str]:
    """Yield the paths that `files_below` lists, in no order.

    Args:
        folder: See `files_below`.
        endings: See `files_below`.
        left_out: See `files_below`.
        times: Gets the time of the last change of each folder, in ns, as it was before
            it was listed.

    Raises:
        UserError: See `files_below`.
    """
    counts: Counter[str] = Counter() if left_out is None else left_out
    return _walk(os.fspath(folder), tuple(endings), frozenset(), counts, times)


def describe_left_out(left_out: Counter[str], folder: str | os.PathLike) -> str:
    """Describe what `files_below` did not list; nothing if it listed all."""
    if not left_out:
        return ''
    counts = ', '.join(f'{n} {what}' for what, n in left_out.most_common(8))
    return f"left out in '{os.fspath(folder)}': {counts}"


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


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [*entries]
    except PermissionError as error:
        raise UserError(
            f"expected a folder that can be listed at '{folder}', got: "
            f'{error.strerror}; make it readable, or move it elsewhere.'
        ) from None


def _walk(
    folder: str,
    endings: tuple[str, ...],
    above: frozenset[str],
    left_out: Counter[str],
    times: dict[str, int] | None,
) -> Iterator[str]:
    real = os.path.realpath(folder)
    if real in above:  # A link leads back to where we come from.
        return
    if times is not None:
        times[folder] = os.stat(folder).st_mtime_ns
    for entry in _entries(folder):
        name = entry.name.lower()
        try:
            is_folder, is_file = entry.is_dir(), entry.is_file()
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            # A link to itself is as good as one to nothing.
            is_folder = is_file = False
        if is_hidden(name):
            left_out['hidden'] += 1
        elif is_folder:
            yield from _walk(entry.path, endings, above | {real}, left_out, times)
        elif not name.endswith(endings):
            left_out[os.path.splitext(name)[1] or 'without ending'] += 1
        elif is_file:
            yield entry.path
        else:
            left_out['links to nothing' if entry.is_symlink() else 'pipes'] += 1
