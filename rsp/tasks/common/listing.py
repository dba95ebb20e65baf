"""List the files of a data set and match those of several folders by name."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from rsp.errors import MissingData, shorten
from rsp.io.files import entries_of
from rsp.io.text import foreign_marks, read_names
from rsp.tasks.common.faults import Faults

IMAGE_ENDINGS = ('.png', '.jpg', '.jpeg', '.tif', '.tiff', '.bmp')


def require_folder(folder: Path, option: str) -> None:
    """Refuse a missing folder.

    Args:
        folder: Expected folder.
        option: Config key or argument that chooses it, for the message.

    Raises:
        MissingData: If there is no such folder.
    """
    if not folder.is_dir():
        raise MissingData(
            f"expected a folder at '{folder}', there is none; put the data there or "
            f'change {option}.'
        )


def list_files(
    folder: Path,
    faults: Faults,
    endings: Sequence[str] = IMAGE_ENDINGS,
    option: str = "'data_root' or 'data_prefix'",
) -> dict[str, Path]:
    """List the files of a folder by name without ending, sorted.

    What is hidden (`rsp.io.files.is_hidden`) is passed over.

    Args:
        folder: Folder without its sub-folders.
        faults: Gets names that two files share.
        endings: Endings to look for, in lower case; those of files may be in any.
        option: See `require_folder`.

    Raises:
        MissingData: If there is no such folder, or no such file in it.
    """
    require_folder(folder, option)
    found: dict[str, Path] = {}
    for file in entries_of(folder):
        if file.suffix.lower() not in endings or file.is_dir():
            continue
        if file.stem in found:
            faults.add(
                f"'{found[file.stem].name}' and '{file.name}' share a name in "
                f"'{folder}', so their partner is unclear; keep one."
            )
        found[file.stem] = file
    if not found:
        raise MissingData(
            f"expected files ending in {', '.join(endings)} in '{folder}', found none; "
            f'put the data there or change {option}.'
        )
    return found


def read_list(file: str | Path, faults: Faults) -> list[str]:
    """Read names of images, one per line, without the endings some lists have.

    Args:
        file: Text file.
        faults: Gets names that come twice, and a list without names.

    Raises:
        MissingData: If there is no such file.
        UserError: If it is no UTF-8.
    """
    if not os.path.isfile(file):
        raise MissingData(
            f"expected a list of names at '{file}', there is none; change 'ann_file', "
            'or leave it empty to take all files.'
        )
    names = [_without_ending(name) for name in read_names(file)]
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        faults.add(f"'{file}' names {shorten(repeated)} more than once; remove lines.")
    if not names:
        faults.add(f"expected one name per line in '{file}', found none.")
    return names


def match_files(
    folders: Sequence[tuple[Path, Mapping[str, Path]]],
    faults: Faults,
    names: Sequence[str] | None = None,
) -> dict[str, tuple[Path, ...]]:
    """Match the files of several folders by name.

    Args:
        folders: Each folder with its files by name, see `list_files`.
        faults: Gets the names that lack a file in one of the folders.
        names: Wanted names; None takes all, and refuses files without partner.

    Returns:
        For each complete name, in the order of ``names`` (else sorted), one file of
        each folder.
    """
    listings = [files for _, files in folders]
    wanted = sorted(set().union(*listings)) if names is None else names
    for folder, files in folders:
        missing = [name for name in wanted if name not in files]
        if missing:
            remedy = 'remove their partners' if names is None else 'correct the list'
            faults.add(
                f"{len(missing)} of {len(wanted)} names have no file in '{folder}' "
                f'({shorten(missing)}); add the files, or {remedy}.'
                f'{foreign_marks(missing) if names is not None else ""}',
                missing=True,
            )
    return {
        name: tuple(files[name] for files in listings)
        for name in wanted
        if all(name in files for files in listings)
    }


def pair_files(
    folders: Sequence[tuple[Path, Sequence[str]]],
    faults: Faults,
    ann_file: str = '',
    option: str = "'data_root' or 'data_prefix'",
) -> dict[str, tuple[Path, ...]]:
    """List several folders and match their files by name.

    Args:
        folders: Each folder with the endings of its files, see `list_files`.
        faults: Gets what is missing, unpaired or twice.
        ann_file: List of the wanted names, see `read_list`; empty takes all files.
        option: See `require_folder`.

    Returns:
        See `match_files`.

    Raises:
        MissingData: If a folder or the list is missing or a folder is empty.
    """
    names = read_list(ann_file, faults) if ann_file else None
    listings = [
        (folder, list_files(folder, faults, endings, option))
        for folder, endings in folders
    ]
    return match_files(listings, faults, names)


def _without_ending(name: str) -> str:
    ending = Path(name).suffix
    return name.removesuffix(ending) if ending.lower() in IMAGE_ENDINGS else name
