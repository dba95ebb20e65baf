"""List the files of a download, unpacked or not."""

import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath

from rsp.errors import MissingData, UserError
from rsp.io.files import files_below, is_hidden

# Bytes of one file of an archive, more than any image of the sets that we convert.
MOST_BYTES = 2**31
Reader = Callable[[], bytes]


def list_files(source: Path) -> dict[str, Reader]:
    """Find all files below a folder and inside its zip archives.

    Nothing is unpacked to disk: a file is read when its reader is called.

    Args:
        source: Folder of a download.

    Returns:
        Reader of every file, by its path; files of an archive appear below its name,
        ``Train.zip/Train/Rural/...``.

    Raises:
        MissingData: If there is no such folder.
        UserError: If an archive is damaged; by a reader, if its file is, or unpacks to
            more than `MOST_BYTES`.
    """
    if not source.is_dir():
        raise MissingData(
            f"expected the folder of the download at '{source}', there is none."
        )
    files: dict[str, Reader] = {}
    for file in files_below(source):
        name = file.relative_to(source).as_posix()
        if file.suffix.lower() == '.zip':
            files |= {f'{name}/{k}': v for k, v in _list_archive(file).items()}
        elif file.is_file():
            files[name] = file.read_bytes
    return files


def _list_archive(file: Path) -> dict[str, Reader]:
    try:
        archive = zipfile.ZipFile(file)
    except zipfile.BadZipFile as error:
        raise UserError(
            f"cannot open the archive '{file}' ({error}); download it again."
        ) from error
    return {
        info.filename: partial(_read, file, archive, info)
        for info in archive.infolist()
        if not (
            info.is_dir() or any(map(is_hidden, PurePosixPath(info.filename).parts))
        )
    }


def _read(file: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    if info.file_size > MOST_BYTES:
        raise UserError(
            f"expected at most {MOST_BYTES:,} bytes of '{info.filename}' in '{file}', "
            f'got {info.file_size:,}; unpack it if that is right.'
        )
    try:
        return archive.read(info)
    # Of damage, a password and packers that Python does not know.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError) as error:
        raise UserError(
            f"cannot unpack '{info.filename}' in '{file}' ({error}); download it again."
        ) from error
