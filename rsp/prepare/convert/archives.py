"""List the files of a download, unpacked or not."""

import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath

from rsp.errors import MissingData, UserError
from rsp.io.files import files_below, is_hidden

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
        UserError: If an archive is damaged.
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
        info.filename: partial(archive.read, info)
        for info in archive.infolist()
        if not (
            info.is_dir() or any(map(is_hidden, PurePosixPath(info.filename).parts))
        )
    }
